// Search, filters and order at once, and news without a reload. Everything is drawn by the server; this takes it over.
"use strict";
(() => {
  const root = document.getElementById("cluster");
  if (!root) return;
  const form = root.querySelector(".genkan-filters");
  const lists = Object.fromEntries(
    Array.from(root.querySelectorAll("[data-list]"), (list) => [list.dataset.list, list]),
  );
  const silent = document.getElementById("cluster-silent");
  const page = form.getAttribute("action");
  const drawn = new Map(); // What the server drew last for each row, to see what has changed.
  let sort = new URLSearchParams(location.search).get("sort") || "";

  const wanted = () => {
    const fields = new FormData(form);
    const value = (name) => String(fields.get(name) || "").trim();
    return {
      words: value("q").toLowerCase().split(/\s+/).filter(Boolean),
      team: value("team"), priority: value("priority"), product: value("product"),
      state: value("state"), kind: value("kind"),
    };
  };
  const among = (value, list, separator) => !value || (list || "").split(separator).includes(value);
  const hasAll = (words, text) => words.every((word) => text.includes(word));
  const matches = (row, want) =>
    (!want.team || row.team === want.team) &&
    (!want.priority || row.priority === want.priority) &&
    among(want.product, row.products, "\n") &&
    among(want.state, row.state, " ") &&
    among(want.kind, row.kind, " ") &&
    hasAll(want.words, row.text);

  function filter() {
    const want = wanted();
    const anything = want.words.length || want.team || want.priority || want.product || want.state || want.kind;
    const keys = new Set();
    for (const row of lists.servers.children) {
      row.hidden = !matches(row.dataset, want);
      if (!row.hidden) keys.add(row.dataset.key);
    }
    const ofRows = want.team || want.priority || want.state || want.kind;
    for (const machine of lists.machines.children) {
      const held = machine.dataset.servers.split("\n").some((key) => keys.has(key));
      const itself = !ofRows && among(want.product, machine.dataset.products, "\n") && hasAll(want.words, machine.dataset.text);
      machine.hidden = Boolean(anything) && !held && !itself;
    }
    const all = lists.servers.children.length;
    document.getElementById("cluster-count").textContent =
      root.dataset.count.replace("{shown}", keys.size).replace("{all}", all);
    document.getElementById("cluster-nothing").hidden = keys.size > 0;
    document.getElementById("cluster-all").hidden = !anything;
  }

  function order() {
    if (!sort) return;
    const sign = sort.startsWith("-") ? -1 : 1;
    const heads = Array.from(root.querySelectorAll("[data-sort]"));
    const column = heads.findIndex((head) => head.dataset.sort === sort.replace(/^-/, ""));
    if (column < 0) return;
    const numeric = heads[column].parentElement.classList.contains("genkan-number");
    const rows = Array.from(lists.servers.children, (row) => {
      const value = row.children[column].dataset.v;
      return [numeric ? (value === "" ? -Infinity : Number(value)) : value, row];
    });
    const sorted = rows.toSorted(([a], [b]) => sign * (a < b ? -1 : a > b ? 1 : 0));
    if (sorted.some(([, row], index) => row !== lists.servers.children[index])) {
      lists.servers.append(...sorted.map(([, row]) => row));
    }
  }

  function remember() {
    const fields = new FormData(form);
    fields.delete("sort");
    if (sort) fields.set("sort", sort);
    const query = new URLSearchParams(Array.from(fields).filter(([, value]) => value));
    const text = query.size ? `?${query}` : "";
    history.replaceState(null, "", location.pathname + text);
    for (const link of root.querySelectorAll("[data-file]")) link.href = link.href.replace(/\?.*$/, "") + text;
    for (const head of root.querySelectorAll("[data-sort]")) {
      const name = head.dataset.sort;
      head.parentElement.removeAttribute("aria-sort");
      if (sort === name) head.parentElement.setAttribute("aria-sort", "ascending");
      if (sort === `-${name}`) head.parentElement.setAttribute("aria-sort", "descending");
    }
  }

  // Cells are replaced one by one, so that a link that has the focus keeps it.
  function adopt(old, fresh) {
    for (const { name, value } of fresh.attributes) {
      if (name !== "hidden" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    if (old.tagName !== "TR" || old.children.length !== fresh.children.length) {
      if (old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
      return;
    }
    Array.from(fresh.children).forEach((cell, index) => {
      const mine = old.children[index];
      if (mine.outerHTML !== cell.outerHTML) mine.innerHTML === cell.innerHTML ? adopt(mine, cell) : mine.replaceWith(cell);
    });
  }

  function adoptList(list, fresh) {
    const known = new Map(Array.from(list.children, (row) => [row.dataset.key, row]));
    const keys = [];
    for (const row of Array.from(fresh.children)) {
      const { key } = row.dataset;
      const text = row.outerHTML;
      const id = `${list.dataset.list} ${key}`;
      keys.push(key);
      const mine = known.get(key);
      if (!mine) list.append(row);
      else if (drawn.get(id) !== text) adopt(mine, row);
      drawn.set(id, text);
    }
    const there = new Set(keys);
    for (const [key, row] of known) {
      if (there.has(key)) continue;
      row.remove();
      drawn.delete(`${list.dataset.list} ${key}`);
    }
    if (list === lists.servers && sort) return;
    const rows = new Map(Array.from(list.children, (row) => [row.dataset.key, row]));
    if (keys.some((key, index) => list.children[index] !== rows.get(key))) {
      list.append(...keys.map((key) => rows.get(key)));
    }
  }

  function say(sentence) {
    silent.textContent = sentence;
    silent.hidden = !sentence;
  }

  let running = false;
  async function refresh() {
    if (running || document.hidden) return;
    running = true;
    try {
      const answer = await fetch(page, {
        headers: { "X-XSRFToken": window.jhdata.xsrf_token }, redirect: "manual", cache: "no-store",
      });
      if (answer.type === "opaqueredirect" || answer.status === 403) {
        signIn();
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("cluster");
      for (const part of root.querySelectorAll("[data-part]")) {
        const news = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
        if (part.innerHTML !== news.innerHTML) part.replaceChildren(...news.childNodes);
      }
      for (const [name, list] of Object.entries(lists)) adoptList(list, fresh.querySelector(`[data-list="${name}"]`));
      order();
      filter();
      say("");
    } catch {
      say(root.dataset.silent);
    } finally {
      running = false;
    }
  }

  // The hub has forgotten this session, or was started anew: a visit of the page signs in again by itself, if it can.
  function signIn() {
    const last = Number(sessionStorage.getItem("genkan-cluster-signed-in") || 0);
    if (Date.now() - last < 60000) {
      say(root.dataset.signedOut);
      return;
    }
    sessionStorage.setItem("genkan-cluster-signed-in", String(Date.now()));
    location.reload();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { filter(); remember(); });
  root.addEventListener("click", (event) => {
    const head = event.target.closest("[data-sort]");
    if (head) {
      sort = sort === head.dataset.sort ? `-${head.dataset.sort}` : head.dataset.sort;
      order();
    } else if (event.target.closest("#cluster-all")) {
      for (const field of form.elements) if (field.name) field.value = "";
      filter();
    } else {
      return;
    }
    event.preventDefault();
    remember();
  });
  for (const button of root.querySelectorAll("[data-without-script]")) button.hidden = true;
  if (new URLSearchParams(location.search).has("stopped")) remember();
  if (root.dataset.filtered === "true") refresh();
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, 1000 * Number(root.dataset.refresh));
})();
