"use strict";
/* The form stays true while it is open: what goes with the cluster is asked for every few seconds and put in its place.
   What the user has chosen or typed, the focus and the place on the page stay. The form works without this. */

(() => {
  const EVERY = 4000;
  const WITHIN = 10000;
  const LONGEST_PAUSE = 30000;
  const form = document.getElementById("spawn_form");
  const root = document.getElementById("genkan-form");
  const start = document.getElementById("start");
  if (!form || !root || !start) {
    return;
  }
  const texts = root.dataset;
  const moves = form.dataset.refresh && document.getElementById("genkan-age");
  const choiceLine = document.getElementById("genkan-choice");
  const shown = new Map();
  const state = { age: null, since: performance.now(), failures: 0, problem: "", timer: 0, asked: 0, etag: "" };

  const cards = () => [...root.querySelectorAll("[data-card]")];
  const radioOf = (card) => card.querySelector("input[name=profile]");
  const chosenCard = () => cards().find((card) => radioOf(card).checked);

  /* What is chosen, beside the one button. */

  function wordsOf(select) {
    const option = select.selectedOptions[0];
    const own = option.classList.contains("genkan-own") && document.getElementById(`${select.id}--unlisted-choice`);
    return (own && own.value.trim()) || option.textContent.trim();
  }

  function showChoice() {
    const card = chosenCard();
    const refused = Boolean(card && "refused" in card.dataset);
    let words = "";
    if (card) {
      const selects = [...card.querySelectorAll("select")];
      words = [card.querySelector("label").textContent.trim(), ...selects.map(wordsOf)].join(" · ");
      words = refused ? `${words}: ${texts.refused}` : words;
    }
    if (choiceLine.textContent !== words) {
      choiceLine.textContent = words;
    }
    start.setAttribute("aria-disabled", String(refused));
  }

  function choose(options) {
    const card = cards().find((one) => one.dataset.card === options.profile);
    if (!card) {
      return;
    }
    const radio = radioOf(card);
    radio.disabled = false;
    radio.checked = true;
    for (const [name, value] of Object.entries(options)) {
      const select = document.getElementById(`profile-option-${options.profile}--${name}`);
      if (select && [...select.options].some((option) => option.value === value)) {
        select.value = value;
      }
    }
    radio.focus();
    form.dispatchEvent(new Event("change"));
  }

  /* How old it is. */

  function showAge() {
    const line = document.getElementById("genkan-age");
    if (!line) {
      return;
    }
    if (state.age !== null) {
      const age = Math.round(state.age + (performance.now() - state.since) / 1000);
      line.textContent = age < 2 ? texts.justSeen : texts.seen.replace("{seconds}", age);
    }
    let problem = document.getElementById("genkan-problem");
    if (!state.problem) {
      problem?.remove();
    } else {
      if (!problem) {
        problem = document.createElement("span");
        problem.id = "genkan-problem";
        problem.className = "genkan-silent";
        problem.setAttribute("role", "status");
        line.after(" ", problem);
      }
      if (problem.textContent !== state.problem) {
        problem.textContent = state.problem;
      }
    }
  }

  /* What goes with the cluster. */

  function put(element, html, key) {
    if (!element || shown.get(key) === html) {
      return;
    }
    shown.set(key, html);
    const focused = element.contains(document.activeElement);
    element.innerHTML = html;
    if (focused) {
      (element.querySelector("a") || element.closest("[data-card]")?.querySelector("input"))?.focus();
    }
  }

  function putCard(card, said) {
    put(card.querySelector(".genkan-live"), said.live, card.dataset.card);
    const radio = radioOf(card);
    card.toggleAttribute("data-closed", said.closed);
    card.toggleAttribute("data-refused", said.refused);
    // The chosen one stays chosen while it is full for a moment; the button says that it cannot start.
    radio.disabled = said.closed && !radio.checked;
  }

  function putAll(answer) {
    if (answer.elsewhere) {
      state.problem = answer.elsewhere;
      return;
    }
    for (const card of cards()) {
      const said = answer.cards[card.dataset.card];
      if (said) {
        putCard(card, said);
      }
    }
    put(document.getElementById("genkan-shares"), answer.shares, " shares");
    put(document.getElementById("genkan-fresh"), answer.fresh, " fresh");
    state.problem = answer.changed || "";
  }

  /* The fields of cards that are not as the page came with, and of the chosen one. */
  function fields() {
    const query = new URLSearchParams();
    for (const card of cards()) {
      const selects = [...card.querySelectorAll("select")];
      const changed = selects.some((select) => !select.selectedOptions[0]?.defaultSelected);
      if (changed || radioOf(card).checked) {
        selects.forEach((select) => query.set(select.name, select.value));
      }
    }
    query.set("cards", cards().map((card) => card.dataset.card).join(" "));
    return query;
  }

  async function refresh() {
    clearTimeout(state.timer);
    const number = ++state.asked;
    const place = [texts.user, texts.server].filter(Boolean).map(encodeURIComponent).join("/");
    const headers = state.etag ? { "If-None-Match": state.etag } : {};
    try {
      const answer = await fetch(`${form.dataset.refresh}/${place}?${fields()}`, {
        headers,
        cache: "no-store",
        credentials: "same-origin",
        signal: AbortSignal.timeout(WITHIN),
      });
      if (number !== state.asked) {
        return;
      }
      if (answer.status !== 304 && !answer.ok) {
        throw new Error(String(answer.status));
      }
      state.failures = 0;
      if (answer.status !== 304) {
        putAll(await answer.json());
        state.etag = answer.headers.get("Etag") || "";
      }
      const age = answer.headers.get("Genkan-Age");
      state.age = age === null ? null : Number(age);
      state.since = performance.now();
    } catch (error) {
      if (number !== state.asked) {
        return;
      }
      state.failures += 1;
      state.etag = "";
      state.problem = ["401", "403"].includes(error.message) ? texts.signedOut : texts.silent;
    }
    showAge();
    showChoice();
    plan();
  }

  function plan() {
    clearTimeout(state.timer);
    if (moves && !document.hidden) {
      const pause = Math.min(EVERY * 2 ** Math.max(state.failures - 1, 0), LONGEST_PAUSE);
      state.timer = setTimeout(refresh, pause);
    }
  }

  form.addEventListener("change", () => {
    for (const card of cards()) {
      const radio = radioOf(card);
      radio.disabled = "closed" in card.dataset && !radio.checked;
    }
    showChoice();
    if (moves) {
      refresh();
    }
  });
  form.addEventListener("input", showChoice);
  root.addEventListener("click", (event) => {
    const link = event.target.closest("[data-choose]");
    if (link) {
      event.preventDefault();
      choose(JSON.parse(link.dataset.choose));
    }
  });
  form.addEventListener("submit", (event) => {
    if (start.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      chosenCard()?.scrollIntoView({ block: "nearest" });
      return;
    }
    clearTimeout(state.timer);
    state.asked += 1;
    start.setAttribute("aria-disabled", "true");
    choiceLine.textContent = texts.starting;
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      showChoice();
      plan();
    }
  });

  showChoice();
  document.getElementById("genkan-refusal")?.scrollIntoView({ block: "nearest" });
  if (moves) {
    document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(state.timer) : refresh()));
    setInterval(showAge, 1000);
    state.age = Number(moves.dataset.age);
    plan();
  }
})();
