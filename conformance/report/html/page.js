"use strict";
// What is chosen lives in the address; every change goes there, and the page is shown from it.

const facts = JSON.parse(document.getElementById("facts").textContent);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);
const form = one(".filters"), scroller = one(".scroller"), panel = one(".panel");
const bodies = all("tbody[data-area]"), rows = all("tr.clause");
const NAMES = ["q", "level", "target", "cell", "backend"];

// The address

const chosen = () => new URLSearchParams(location.hash.slice(1));

function choose(changes, replace = true) {
  const next = chosen();
  for (const [name, value] of Object.entries(changes)) value ? next.set(name, value) : next.delete(name);
  const text = next.toString();
  history[replace ? "replaceState" : "pushState"](null, "", text ? "#" + text : location.pathname + location.search);
  show();
}

// Filters

function filters() {
  const on = chosen();
  return { ...Object.fromEntries(NAMES.map((name) => [name, on.get(name) || ""])), outcomes: (on.get("outcome") || "").split(",").filter(Boolean) };
}

const visible = (column, on) => ["target", "cell", "backend"].every((name) => !on[name] || column[name] === on[name]);

// What a filter reads of a row: the clause, its demand, and the reasons and causes in the columns that are shown.
function says(row, seen) {
  const entries = Object.entries(facts.clauses[row.dataset.clause]).filter(([n]) => seen[n]);
  return [row.dataset.text, ...entries.flatMap(([, entry]) => [...(entry.reasons || []), ...(entry.causes || [])])].join(" ").toLowerCase();
}

function showColumns(on) {
  const seen = facts.columns.map((column) => visible(column, on));
  for (const element of all(".matrix [data-column]")) element.hidden = !seen[element.dataset.column];
  for (const head of all(".matrix thead [data-target]")) {
    const under = facts.columns.filter((c, n) => seen[n] && c.run === head.dataset.run && c.target === head.dataset.target && (head.dataset.cell === undefined || c.cell === head.dataset.cell));
    head.hidden = !under.length;
    head.colSpan = Math.max(under.length, 1);
  }
  return seen;
}

function showRows(on, seen) {
  const words = on.q.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const cells = all("td", row).filter((cell) => seen[cell.dataset.column] && cell.dataset.outcome);
    const said = words.length ? says(row, seen) : "";
    const matches = cells.length && (!on.level || row.dataset.level === on.level) && words.every((word) => said.includes(word))
      && (!on.outcomes.length || cells.some((cell) => on.outcomes.includes(cell.dataset.outcome)));
    row.dataset.match = matches ? 1 : 0;
    count += matches ? 1 : 0;
  }
  one(".shown").textContent = count === rows.length ? `${count} clauses` : `${count} of ${rows.length} clauses`;
  const matching = new Set(rows.filter((row) => row.dataset.match === "1").map((row) => row.dataset.clause));
  for (const element of all(".plot[data-clause], .finding")) element.hidden = !(element.dataset.clauses || element.dataset.clause).split(" ").some((id) => matching.has(id));
}

// Areas: those where something is wrong are open, and all where something is looked for; the address names the others.

function showAreas(on) {
  const narrowed = on.q || on.outcomes.length, turned = new Set(chosen().getAll("turn"));
  for (const body of bodies) {
    const matches = all("tr.clause", body).filter((row) => row.dataset.match === "1");
    const open = (narrowed || body.dataset.calm === "0") !== turned.has(body.dataset.area);
    body.hidden = !matches.length;
    body.dataset.open = open ? 1 : 0;
    one("button", body).setAttribute("aria-expanded", open);
    for (const row of all("tr.clause", body)) row.hidden = !open || row.dataset.match !== "1";
  }
}

function turn(areas) {
  const next = chosen(), turned = new Set(next.getAll("turn"));
  for (const area of areas) turned.delete(area) || turned.add(area);
  next.delete("turn");
  for (const area of turned) next.append("turn", area);
  history.replaceState(null, "", "#" + next);
  show();
}

// The panel

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const signed = (entry) => make("span", { class: "mark " + entry.tone, "aria-hidden": "true" }, entry.mark);
const where = (column) => `${column.cell} on ${column.backend}`;
const whose = (column) => [column.run, column.target].filter(Boolean).join(" · ");

function tiers(entry) {
  const names = ["", "outcome", "error / bound", "examples", "values", "undecided", "left out", "took"];
  const head = make("tr", {}, ...names.map((name, n) => make("th", { scope: "col", class: n > 1 ? "number" : "" }, name)));
  const lines = entry.tiers.map((t) => make("tr", {}, make("th", { scope: "row" }, t.tier), make("td", { class: t.tone }, signed(t), " ", t.meaning),
    ...[t.worst, t.examples, t.values, t.undecided, t.left_out, t.took].map((value) => make("td", { class: "number" }, String(value)))));
  return make("table", { class: "tiers" }, make("thead", {}, head), make("tbody", {}, ...lines));
}

function copyable(script) {
  const button = make("button", { type: "button", class: "copy" }, "copy");
  button.addEventListener("click", () => copy(script, button));
  return make("dd", { class: "script" }, make("pre", {}, script), button);
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
  } catch {  // a page opened from a file may have no clipboard: select it, for the reader's own keys
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = "selected";
  }
  setTimeout(() => { button.textContent = "copy"; }, 1500);
}

function failure(example) {
  const list = make("dl");
  for (const [label, said] of example.details) list.append(make("dt", {}, label), make("dd", {}, make("pre", {}, said)));
  if (example.script) list.append(make("dt", {}, "script"), copyable(example.script));
  return list;
}

function others(clause, at) {
  const list = make("ul", { class: "others" });
  for (const [n, entry] of Object.entries(facts.clauses[clause])) {
    const column = facts.columns[n];
    const button = make("button", { type: "button" }, signed(entry), ` ${where(column)}`, make("span", { class: "mute" }, ` ${whose(column)}`));
    if (column.key === at) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => choose({ at: column.key }));
    list.append(make("li", {}, button));
  }
  return list;
}

function content(clause, at) {
  const row = rows.find((row) => row.dataset.clause === clause), n = facts.columns.findIndex((column) => column.key === at);
  const entry = facts.clauses[clause][n], parts = [];
  parts.push(make("p", { class: "where" }, `${row.dataset.level} · ${row.closest("tbody").dataset.area}` + (n < 0 ? "" : ` · ${where(facts.columns[n])} · ${whose(facts.columns[n])}`)));
  if (n >= 0 && !entry) parts.push(make("p", { class: "reason" }, "This clause was not asked of this cell."));
  if (entry) parts.push(tiers(entry), ...(entry.causes || []).map((said) => make("p", { class: "follows" }, "Follows from " + said)), ...(entry.reasons || []).map((said) => make("p", { class: "reason" }, said)));
  if (entry && entry.failure) parts.push(make("h3", {}, "The smallest case that fails"), failure(entry.failure));
  const said = make("div", { class: "text" }, one(`template[data-clause="${CSS.escape(clause)}"]`).content.cloneNode(true));
  const plot = one(".plot", said);
  if (plot) {
    plot.classList.toggle("any", n < 0);
    for (const dot of all(".dot", plot)) dot.classList.toggle("here", dot.dataset.column === at);
  }
  parts.push(make("h3", {}, "What the clause says"), said);
  if (plot) parts.push(make("h3", {}, "Error over bound"), plot);
  parts.push(make("h3", {}, "Everywhere"), others(clause, at));
  return parts;
}

let opened = "";
function showPanel() {
  const clause = chosen().get("clause"), at = chosen().get("at") || "";
  for (const cell of all("td.chosen")) cell.classList.remove("chosen");
  const known = clause && facts.clauses[clause];
  panel.hidden = !known;
  document.documentElement.classList.toggle("beside", Boolean(known));
  if (!known) { opened = ""; return; }
  const cell = cellOf(clause, at);
  cell?.classList.add("chosen");
  if (opened === `${clause} ${at}`) return;
  opened = `${clause} ${at}`;
  one("#panel-title").textContent = clause;
  one(".content", panel).replaceChildren(...content(clause, at));
  panel.scrollTop = 0;
  if (cell && cell.checkVisibility()) reveal(cell);
}

function cellOf(clause, at) {
  const n = facts.columns.findIndex((column) => column.key === at);
  return one(`tr.clause[data-clause="${CSS.escape(clause)}"] td[data-column="${n}"]`);
}

const open = (clause, at, replace) => choose({ clause, at }, replace);
const openCell = (cell, replace = false) => open(cell.parentElement.dataset.clause, facts.columns[cell.dataset.column].key, replace);
function close() {
  const clause = chosen().get("clause"), at = chosen().get("at") || "";
  choose({ clause: "", at: "" });
  if (clause && panel.contains(document.activeElement) || document.activeElement === document.body) cellOf(clause, at)?.focus();
}

// The page, from the address

function show() {
  const on = filters();
  for (const name of NAMES) if (form.elements[name] && form.elements[name].value !== on[name]) form.elements[name].value = on[name];
  for (const box of all("input[name=outcome]")) box.checked = on.outcomes.includes(box.value);
  const seen = showColumns(on);
  markStarts(seen);
  showRows(on, seen);
  showAreas(on);
  showPanel();
  rove();
}

// A rule before each target and cell, also where filters hide the first column of one.
function markStarts(seen) {
  let before = null;
  const starts = facts.columns.map((column, n) => {
    if (!seen[n]) return false;
    const start = !before || ["run", "target", "cell"].some((name) => before[name] !== column[name]);
    before = column;
    return start;
  });
  for (const element of all(".matrix [data-column]")) element.classList.toggle("start", starts[element.dataset.column]);
  for (const head of all(".matrix thead .first")) head.classList.add("start");
}

// Keys: one cell of the matrix can be reached by Tab, the arrows go on from there

let current = null;
const shownCells = (row) => all("td", row).filter((cell) => !cell.hidden);
const shownRows = () => rows.filter((row) => !row.hidden && !row.closest("tbody").hidden);

function rove(cell = current) {
  const ok = cell && cell.isConnected && !cell.hidden && !cell.parentElement.hidden && !cell.closest("tbody").hidden;
  const next = ok ? cell : shownRows().flatMap(shownCells)[0];
  if (current) current.tabIndex = -1;
  current = next || null;
  if (current) current.tabIndex = 0;
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -Infinity], End: [0, Infinity], PageUp: [-10, 0], PageDown: [10, 0] };

function move(cell, [down, right]) {
  const lines = shownRows(), cells = shownCells(cell.parentElement);
  const bounded = (n, length) => Math.min(Math.max(n, 0), length - 1);
  const row = lines[bounded(lines.indexOf(cell.parentElement) + down, lines.length)];
  const next = shownCells(row)[bounded(cells.indexOf(cell) + right, cells.length)];
  rove(next);
  next.focus({ preventScroll: true });
  reveal(next);
  if (!panel.hidden) openCell(next, true);
}

// Into view from under the sticky head and the sticky first column.
function reveal(cell) {
  const box = cell.getBoundingClientRect(), frame = scroller.getBoundingClientRect();
  const top = frame.top + one("thead").offsetHeight, left = frame.left + one("th", cell.parentElement).offsetWidth;
  if (box.top < top) scroller.scrollTop -= top - box.top;
  if (box.bottom > frame.bottom) scroller.scrollTop += box.bottom - frame.bottom;
  if (box.left < left) scroller.scrollLeft -= left - box.left;
  if (box.right > frame.right) scroller.scrollLeft += box.right - frame.right;
  if (frame.top < 0 || box.bottom > innerHeight) cell.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input[type=search], select");
  if (event.key === "Escape") {
    if (!panel.hidden) close();
    else if (typing) { choose({ q: "" }); event.target.blur(); }
  } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    form.elements.q.focus();
    form.elements.q.select();
  } else if (event.target.matches("tr.clause td")) {
    if (STEPS[event.key]) { event.preventDefault(); move(event.target, STEPS[event.key]); }
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); openCell(event.target); one("#panel-title").focus(); }
  }
});

scroller.addEventListener("click", (event) => {
  const area = event.target.closest(".area button"), cell = event.target.closest("tr.clause td:not(.none)"), name = event.target.closest("tr.clause th button");
  if (area) turn([area.closest("tbody").dataset.area]);
  if (cell) { rove(cell); cell.focus({ preventScroll: true }); openCell(cell); }
  if (name) open(name.closest("tr").dataset.clause, "");
});
for (const name of all(".plot .name")) name.addEventListener("click", () => open(name.parentElement.dataset.clause, ""));
for (const button of all(".finding .names button")) button.addEventListener("click", () => open(button.textContent, ""));
for (const button of all(".finding h3 button")) button.addEventListener("click", () => {
  const isOpen = button.closest(".finding").classList.toggle("open");
  button.setAttribute("aria-expanded", isOpen);
});
for (const cell of all(".finding .script")) cell.replaceWith(copyable(one("pre", cell).textContent));
one(".close").addEventListener("click", close);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", (event) => { event.preventDefault(); history.replaceState(null, "", location.pathname + location.search); show(); });
form.addEventListener("input", () => choose({
  ...Object.fromEntries(NAMES.map((name) => [name, form.elements[name] ? form.elements[name].value : ""])),
  outcome: all("input[name=outcome]:checked").map((box) => box.value).join(","),
  turn: "",
}));
for (const button of all("[data-do]")) button.addEventListener("click", () => {
  const want = button.dataset.do === "open" ? "1" : "0";
  turn(bodies.filter((body) => body.dataset.open !== want).map((body) => body.dataset.area));
});
addEventListener("hashchange", show);
addEventListener("beforeprint", () => { for (const details of all("details")) details.open = true; });
show();
