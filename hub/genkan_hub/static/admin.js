"use strict";
/* JupyterHub's admin page draws buttons without a name for people who cannot see their arrows. */

(() => {
  const root = document.getElementById("react-admin-hook");
  if (!root) {
    return;
  }
  const name = () => {
    for (const button of root.querySelectorAll("button[data-testid$='-collapse-button']:not([aria-label])")) {
      button.setAttribute("aria-label", button.dataset.testid.replace(/-collapse-button$/, ""));
    }
  };
  new MutationObserver(name).observe(root, { childList: true, subtree: true });
  name();
})();
