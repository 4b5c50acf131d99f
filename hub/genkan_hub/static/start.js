"use strict";
/* The page of a start: its steps come as soon as there is news, the seconds run, and it goes on by itself at the end.
   Without this the page loads itself again every few seconds. */

(() => {
  const WITHIN = 30000;
  const LONGEST_PAUSE = 15000;
  const root = document.getElementById("genkan-start");
  if (!root) {
    return;
  }
  const texts = root.dataset;
  const way = document.getElementById("genkan-way");
  const problem = document.getElementById("genkan-problem");
  const said = document.getElementById("genkan-said");
  const details = document.querySelector(".genkan-events");
  const events = document.getElementById("genkan-events");
  let told = texts.told;
  let failures = 0;
  let leaving = false;
  let shownAt = performance.now();

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  function showSeconds() {
    const passed = (performance.now() - shownAt) / 1000;
    for (const element of way.querySelectorAll("[data-since]")) {
      const seconds = Math.floor(Number(element.dataset.since) + passed);
      element.textContent =
        seconds < 60
          ? texts.seconds.replace("{seconds}", seconds)
          : texts.minutes.replace("{minutes}", Math.floor(seconds / 60)).replace("{seconds}", seconds % 60);
    }
  }

  function tellOfProblem(text) {
    if (problem.textContent !== text) {
      problem.textContent = text;
    }
  }

  function show(answer) {
    told = String(answer.told);
    shownAt = performance.now();
    way.innerHTML = answer.steps;
    showSeconds();
    const now = way.querySelector("[aria-current] > :nth-child(2)");
    if (now && said.textContent !== now.textContent) {
      said.textContent = now.textContent;
    }
  }

  async function ask(query) {
    const answer = await fetch(`${texts.follow}?${new URLSearchParams(query)}`, {
      cache: "no-store",
      credentials: "same-origin",
      signal: AbortSignal.timeout(WITHIN),
    });
    if (!answer.ok) {
      throw new Error(String(answer.status));
    }
    return answer.json();
  }

  async function follow() {
    while (!leaving) {
      try {
        const answer = await ask({ seen: told });
        if (leaving) {
          return;
        }
        failures = 0;
        tellOfProblem("");
        if (answer.ended) {
          // The page knows whether to go to the server or to say why there is none.
          window.location.reload();
          return;
        }
        show(answer);
      } catch (error) {
        if (["401", "403", "404"].includes(error.message)) {
          window.location.reload();
          return;
        }
        if (leaving) {
          return;
        }
        failures += 1;
        tellOfProblem(texts.silent);
        await pause(Math.min(1000 * 2 ** (failures - 1), LONGEST_PAUSE));
      }
    }
  }

  async function followEvents() {
    while (details.open) {
      try {
        const answer = await ask({ events: "1" });
        if (answer.events !== undefined && events.innerHTML !== answer.events) {
          events.innerHTML = answer.events;
        }
      } catch {
        // The steps say it.
      }
      await pause(4000);
    }
  }

  document.getElementById("genkan-cancel").form.addEventListener("submit", (event) => {
    if (leaving) {
      event.preventDefault();
    }
    leaving = true;
    tellOfProblem(texts.cancelling);
  });
  details.addEventListener("toggle", () => details.open && followEvents());
  setInterval(showSeconds, 1000);
  follow();
})();
