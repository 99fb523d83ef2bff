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
    this.away = root.querySelector("[data-away]");
    this.service = "";
    this.services = new Set();
    this.count = 0;
    root.querySelector(".tools").hidden = false;
    this.search.addEventListener("input", () => this.filterAll());
    this.follow.addEventListener("change", () => this.toEnd());
    this.lines.addEventListener("scroll", () => this.checkScroll(), { passive: true });
    this.addChip("", "All");
    const source = document.getElementById(root.dataset.source);
    source.addEventListener("logs-begin", () => this.clear());
    source.addEventListener("logs", (event) => this.append(JSON.parse(event.detail.data)));
    source.addEventListener("logs-caught-up", () => this.note("No line is stored. New lines appear by themselves."));
    source.addEventListener("logs-away", (event) => this.setAway(JSON.parse(event.detail.data)));
    source.addEventListener("logs-back", () => this.setAway(""));
  }

  setAway(text) {
    this.away.textContent = text;
    this.away.hidden = !text;
  }

  clear() {
    this.setAway("");
    this.lines.replaceChildren();
    this.count = 0;
    this.note("Looking for lines.");
  }

  note(text) {
    if (this.count) return;
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = text;
    this.lines.replaceChildren(note);
  }

  append(batch) {
    if (!this.count) this.lines.replaceChildren();
    const fragment = document.createDocumentFragment();
    for (const line of batch) fragment.append(this.row(line));
    this.lines.append(fragment);
    this.count += batch.length;
    while (this.lines.childElementCount > MOST_LINES) this.lines.firstElementChild.remove();
    this.say();
    this.toEnd();
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
    this.say();
    this.toEnd();
  }

  say() {
    const shown = this.lines.querySelectorAll(".line:not([hidden])").length;
    const filtered = this.service || this.search.value;
    const cut = this.count > MOST_LINES;
    const all = cut ? `the newest ${MOST_LINES} lines` : counted(this.count, "line");
    this.status.textContent = (filtered ? `${shown} of ${all}` : all) + (cut ? "; older ones are in the download" : "");
  }

  toEnd() {
    if (this.follow.checked) this.lines.scrollTop = this.lines.scrollHeight;
  }

  checkScroll() {
    const distance = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight;
    this.follow.checked = distance < 24;
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

// Keeps "5 seconds ago" up to date while the page is open, in the same words as the server.
function words(seconds) {
  if (seconds < 5) return "just now";
  for (const [size, unit] of [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]]) {
    const count = Math.floor(seconds / size);
    if (count >= 1) return `${counted(count, unit)} ago`;
  }
}
setInterval(() => {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const text = words(seconds);
    if (seconds >= 0 && time.textContent !== text) time.textContent = text;
  }
}, 5000);

// A confirm page fetched into the dialog; without scripts the same link opens it as a page.
const dialog = document.getElementById("dialog");
document.addEventListener("htmx:after:swap", () => {
  if (dialog && dialog.firstElementChild && !dialog.open && dialog.dataset.wanted) {
    delete dialog.dataset.wanted;
    dialog.showModal();
  }
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-confirm], [data-close], [data-copy], [data-dismiss]");
  if (!button) return;
  if (button.hasAttribute("data-confirm")) dialog.dataset.wanted = "yes";
  if (button.hasAttribute("data-close") && dialog.open) {
    event.preventDefault();
    dialog.close();
  }
  if (button.hasAttribute("data-dismiss")) button.closest(".toast").remove();
  if (button.hasAttribute("data-copy")) {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent.trim());
    button.lastElementChild.textContent = "Copied";
  }
});
for (const button of document.querySelectorAll("[data-dismiss]")) button.hidden = false;
if (navigator.clipboard) document.documentElement.dataset.clipboard = "yes"; // there is none without https
