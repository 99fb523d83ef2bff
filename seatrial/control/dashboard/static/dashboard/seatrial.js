// What HTML alone cannot do: the log viewer, the confirm dialog, copying. Every page works without it.
"use strict";

const MOST_LINES = 5000; // kept in the page; the download has them all

function counted(number, one) {
  return `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;
}

class LogViewer {
  constructor(root) {
    this.root = root;
    this.lines = root.querySelector(".lines");
    this.chips = root.querySelector(".chips");
    this.search = root.querySelector("input[type=search]");
    this.follow = root.querySelector("[data-follow]");
    this.status = root.querySelector("[data-status]");
    this.found = root.querySelector("[data-found]");
    this.away = root.querySelector("[data-away]");
    this.source = document.getElementById(root.dataset.source);
    this.service = "";
    this.services = new Set();
    this.ending = false; // End was pressed last: the browser may still be scrolling up, as an earlier key wanted
    this.leftAt = null; // how far from the end somebody was reading, while the lines come once more
    root.querySelector(".tools").hidden = false;
    this.search.addEventListener("input", () => this.filterAll());
    this.follow.addEventListener("change", () => this.toEnd());
    this.lines.addEventListener("scroll", () => this.checkScroll(), { passive: true });
    this.lines.addEventListener("wheel", (event) => this.leaveEnd(event.deltaY < 0), { passive: true });
    this.lines.addEventListener("keydown", (event) => this.heed(event));
    for (const other of ["pointerdown", "blur"]) this.lines.addEventListener(other, () => { this.ending = false; });
    new ResizeObserver(() => this.toEnd()).observe(this.lines);
    this.addChip("", "All");
    this.empty();
    this.source.addEventListener("logs-begin", () => this.clear());
    this.source.addEventListener("logs", (event) => this.append(JSON.parse(event.detail.data)));
    this.source.addEventListener("logs-caught-up", () => this.caughtUp());
    this.source.addEventListener("logs-away", (event) => this.setAway(JSON.parse(event.detail.data)));
    this.source.addEventListener("logs-back", () => this.setAway(""));
    document.addEventListener("htmx:after:swap", () => this.nameAll());
  }

  setAway(text) {
    this.away.textContent = text;
    this.away.hidden = !text;
  }

  empty() {
    this.sections = new Map(); // of deployments, by id
    this.count = 0; // of lines that came
    this.kept = 0; // of them, those that are still in the page
    this.top = 0;
  }

  clear() {
    this.setAway("");
    if (!this.follow.checked) this.leftAt ??= this.lines.scrollHeight - this.lines.scrollTop;
    this.empty();
    this.lines.replaceChildren();
    this.note("Looking for lines.");
  }

  caughtUp() {
    this.note("No line is stored. New lines appear by themselves.");
    if (this.leftAt !== null && !this.follow.checked) this.lines.scrollTop = this.lines.scrollHeight - this.leftAt;
    this.leftAt = null;
    this.top = this.lines.scrollTop;
  }

  note(text) {
    if (this.count) return;
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = text;
    this.lines.replaceChildren(note);
  }

  append({ deployment, lines }) {
    if (!this.count) this.lines.replaceChildren();
    const section = this.sections.get(deployment) ?? this.addSection(deployment);
    const fragment = document.createDocumentFragment();
    for (const line of lines) fragment.append(this.row(line));
    section.append(fragment);
    this.count += lines.length;
    this.kept += lines.length;
    this.trim();
    this.hideEmpty();
    this.say();
    this.toEnd();
  }

  // The lines of each deployment are together under its heading, however they came: the older one goes on speaking while
  // the newer one is built. Ids grow with time.
  addSection(deployment) {
    const section = document.createElement("section");
    const heading = document.createElement("h3");
    heading.id = `log-of-${deployment}`;
    heading.className = "divider";
    section.dataset.deployment = deployment;
    section.setAttribute("aria-labelledby", heading.id);
    section.append(heading);
    this.name(section);
    const newer = [...this.lines.children].find((other) => other.dataset.deployment > deployment);
    this.lines.insertBefore(section, newer ?? null);
    this.sections.set(deployment, section);
    return section;
  }

  // The live part of the page has the headings, so that they say the same as the rest of the page.
  name(section) {
    const told = document.querySelector(`#log-headings [data-deployment="${section.dataset.deployment}"]`);
    const heading = section.firstElementChild;
    if (told && heading.innerHTML !== told.innerHTML) heading.replaceChildren(...told.cloneNode(true).childNodes);
    if (!heading.hasChildNodes()) heading.textContent = "Another deployment";
  }

  nameAll() {
    for (const section of this.sections.values()) this.name(section);
  }

  trim() {
    while (this.kept > MOST_LINES) {
      const line = this.lines.querySelector(".line");
      const section = line.parentElement;
      line.remove();
      this.kept -= 1;
      if (section.childElementCount > 1) continue;
      section.remove();
      this.sections.delete(section.dataset.deployment);
    }
  }

  row(line) {
    this.addChip(line.service, line.service === "_system" ? "deployment" : line.service);
    const row = document.createElement("div");
    row.className = `line ${line.source} ${line.stream}`;
    row.dataset.service = line.service;
    const by = line.source === "build" ? `build ${line.service}` : line.service === "_system" ? "deployment" : line.service;
    for (const [name, value] of [["at", line.at.slice(11, 19)], ["by", by], ["text", ""]]) {
      const cell = document.createElement("span");
      cell.className = name;
      cell.textContent = value;
      row.append(cell);
    }
    row.firstChild.title = line.at;
    for (const [look, text] of line.text) {
      const piece = look ? document.createElement("span") : document.createTextNode(text);
      if (look) Object.assign(piece, { className: look, textContent: text });
      row.lastChild.append(piece);
    }
    this.filter(row);
    return row;
  }

  addChip(service, label) {
    if (this.services.has(service)) return;
    this.services.add(service);
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "chip";
    chip.textContent = label;
    chip.setAttribute("aria-pressed", String(service === this.service));
    chip.addEventListener("click", () => {
      this.service = service;
      for (const other of this.chips.children) other.setAttribute("aria-pressed", String(other === chip));
      this.filterAll();
    });
    this.chips.append(chip);
  }

  filter(row) {
    const wanted = this.search.value.toLowerCase();
    const other = this.service && row.dataset.service !== this.service;
    row.hidden = Boolean(other || (wanted && !row.lastChild.textContent.toLowerCase().includes(wanted)));
  }

  filterAll() {
    for (const row of this.lines.querySelectorAll(".line")) this.filter(row);
    this.hideEmpty();
    this.say();
    this.found.textContent = this.status.textContent; // read out only when somebody asked, not with every line
    this.toEnd();
  }

  hideEmpty() {
    for (const section of this.sections.values()) section.hidden = !section.querySelector(".line:not([hidden])");
  }

  say() {
    const cut = this.count > MOST_LINES;
    const all = cut ? `the newest ${MOST_LINES.toLocaleString("en")} lines` : counted(this.count, "line");
    const filtered = this.service || this.search.value;
    const shown = filtered && this.lines.querySelectorAll(".line:not([hidden])").length.toLocaleString("en");
    this.status.textContent = (filtered ? `${shown} of ${all}` : all) + (cut ? "; older ones are in the download" : "");
  }

  toEnd() {
    if (this.follow.checked) this.lines.scrollTop = this.lines.scrollHeight;
    this.top = this.lines.scrollTop;
  }

  // End holds until somebody does something else. That the browser's scrolling has ended would be too early, or never
  // told: a scrolling that PageUp began may go on after it.
  heed({ key, shiftKey }) {
    this.leaveEnd(["ArrowUp", "PageUp", "Home"].includes(key) || (key === " " && shiftKey));
    if (key !== "End") return;
    this.follow.checked = true;
    this.ending = true;
    this.toEnd();
  }

  leaveEnd(wanted) {
    if (!wanted || this.lines.scrollTop === 0) return;
    this.follow.checked = false;
    this.ending = false;
  }

  // Scrolling up stops following, by a single pixel too: else the next lines would take back whoever has just begun.
  // That the end is further away does not stop it: so it is after every new line.
  checkScroll() {
    if (this.ending) return this.toEnd();
    if (this.leftAt !== null) return; // nobody scrolled: the lines were taken away
    const { scrollHeight, scrollTop, clientHeight } = this.lines;
    const distance = scrollHeight - scrollTop - clientHeight;
    if (scrollTop > this.top && distance < 24) this.follow.checked = true;
    if (scrollTop < this.top && distance > 1) this.follow.checked = false;
    this.top = scrollTop;
  }
}

for (const root of document.querySelectorAll("[data-log-viewer]")) new LogViewer(root);

// A browser opens at most six connections to a site, so htmx closes the stream of a hidden tab, and opens it again when
// the tab is shown. htmx only notices that a tab becomes hidden; for a tab that was opened hidden, we send that event.
document.addEventListener("htmx:sse:after:message", () => {
  if (document.hidden) document.dispatchEvent(new Event("visibilitychange"));
});

// Without its stream a page may show old state: it says so.
const stale = document.getElementById("stale");
document.addEventListener("htmx:sse:error", (event) => {
  stale.textContent = event.detail.status === 404
    ? "You are signed out, or may not see this any more. Reload the page."
    : "Live updates are interrupted: the server does not answer. This page may show old state until it answers again.";
  stale.hidden = false;
});
document.addEventListener("htmx:sse:after:connection", () => { stale.hidden = true; });

// Keeps "5 seconds ago" and "for 5 seconds" up to date while the page is open, in the same words as the server.
function words(seconds, lasting) {
  if (seconds < 5) return lasting ? "for a moment" : "just now";
  const [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]].find(([size]) => seconds >= size);
  const length = counted(Math.floor(seconds / size), unit);
  return lasting ? `for ${length}` : `${length} ago`;
}
setInterval(() => {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const text = words(seconds, time.hasAttribute("data-lasting"));
    if (seconds >= 0 && time.textContent !== text) time.textContent = text;
  }
}, 5000);

// What somebody was on may be gone after an update: then they are at the top of the page, and not nowhere.
let held = null;
document.addEventListener("focusin", (event) => { held = event.target.closest("#live") && event.target; });
document.addEventListener("htmx:after:swap", () => {
  if (held && !held.isConnected && document.activeElement === document.body) document.getElementById("title")?.focus();
});

// A confirm page fetched into the dialog; without scripts the same link opens it as a page.
const dialog = document.getElementById("dialog");
document.addEventListener("htmx:after:swap", () => {
  if (dialog && dialog.firstElementChild && !dialog.open && dialog.dataset.wanted) {
    delete dialog.dataset.wanted;
    dialog.showModal();
  }
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-confirm], [data-close], [data-copy], [data-dismiss], [data-print]");
  if (!button) return;
  if (button.hasAttribute("data-confirm")) dialog.dataset.wanted = "yes";
  if (button.hasAttribute("data-close") && dialog.open) {
    event.preventDefault();
    dialog.close();
  }
  if (button.hasAttribute("data-print")) window.print();
  if (button.hasAttribute("data-dismiss")) button.closest(".toast").remove();
  if (button.hasAttribute("data-copy")) {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent.trim());
    button.lastElementChild.textContent = "Copied";
  }
});
for (const button of document.querySelectorAll("[data-dismiss], [data-print]")) button.hidden = false;
// Whoever sent something that was refused begins where it says why: at the field, or at the sentence above the fields.
const refusal = document.querySelector("main form .error[role='alert']:not([hidden])");
if (refusal) {
  const field = refusal.closest(".field")?.querySelector("input, select, textarea");
  if (!field) refusal.tabIndex = -1;
  (field ?? refusal).focus();
}
document.querySelector("form[data-send]")?.submit(); // somebody asked for it on the page before
if (navigator.clipboard) document.documentElement.dataset.clipboard = "yes"; // there is none without https

// "All that are shown" in a list to pick from: there is no such box without scripts.
function offerAll() {
  for (const list of document.querySelectorAll("[data-picks]")) {
    const all = list.querySelector("[data-pick-all]");
    const boxes = [...list.querySelectorAll("li input:not(:disabled)")];
    all.parentElement.hidden = !boxes.length;
    all.checked = boxes.length > 0 && boxes.every((box) => box.checked);
  }
}
document.addEventListener("change", ({ target }) => {
  const list = target.closest("[data-picks]");
  if (list && target.matches("[data-pick-all]")) {
    for (const box of list.querySelectorAll("li input:not(:disabled)")) box.checked = target.checked;
  }
  if (list) offerAll();
});
document.addEventListener("htmx:after:swap", offerAll);
offerAll();

// A screenshot wiped over the one before
for (const wipe of document.querySelectorAll("[data-wipe]")) {
  const [range, over] = [wipe.querySelector("input"), wipe.querySelector(".over")];
  range.addEventListener("input", () => over.style.setProperty("--shown", `${range.value}%`));
  wipe.hidden = false;
}
