// The colours of the page around this frame, its height, and news.
"use strict";
(() => {
  const outside = window.frameElement && window.parent.document.documentElement;
  const follow = () => {
    const theme = outside && outside.getAttribute("data-bs-theme");
    if (theme) document.documentElement.setAttribute("data-bs-theme", theme);
  };
  follow();
  if (outside) new MutationObserver(follow).observe(outside, { attributeFilter: ["data-bs-theme"] });
  const fit = () => {
    if (window.frameElement) window.frameElement.style.height = `${document.body.scrollHeight + 2}px`;
  };
  window.addEventListener("load", fit);
  window.addEventListener("resize", fit);
  setInterval(() => { if (!document.hidden) location.reload(); }, 15000);
})();
