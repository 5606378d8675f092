/**
 * Documents → rows on the screen, and no more than those: rows of one height, reused, without a virtual DOM.
 *
 * However many lines come between two frames, they are taken in one go when the next is drawn. At most `MOST_ROWS` are
 * kept; the oldest go first. All text is set as text, so that no line is ever markup.
 */
import { clock, levelOf, rowText } from "./documents.js";

export const MOST_ROWS = 20_000;
const ROW = 22; // pixels, as in style.css
const SPARE = 6; // rows above and below what is seen

export class LogList {
  /**
   * @param {HTMLElement} box what scrolls
   * @param {{opened: (document: any) => void, top: () => void, changed: (list: LogList) => void}} told
   */
  constructor(box, told) {
    this.box = box;
    this.told = told;
    /** @type {any[]} */ this.documents = [];
    /** @type {any[]} */ this.waiting = [];
    /** @type {any[]} */ this.held = []; // those that came while it is paused
    this.ids = new Set();
    this.selected = -1;
    this.mark = ""; // the id of the line that a link means
    this.isPaused = false;
    this.isFollowing = true;
    this.frame = 0;
    this.space = box.appendChild(document.createElement("div"));
    this.space.className = "space";
    /** @type {HTMLElement[]} */ this.rows = [];
    this.onScroll = () => this.scrolled();
    box.addEventListener("scroll", this.onScroll, { passive: true });
    this.space.addEventListener("click", (event) => this.clicked(event));
    this.sizes = new ResizeObserver(() => this.plan());
    this.sizes.observe(box);
  }

  /** Forget what it drew and listens to. */
  end() {
    cancelAnimationFrame(this.frame);
    this.sizes.disconnect();
    this.box.removeEventListener("scroll", this.onScroll);
    this.space.remove();
  }

  /** Show these and no others, oldest first. @param {any[]} documents */
  reset(documents) {
    this.documents = documents.slice(-MOST_ROWS);
    this.waiting = [];
    this.held = [];
    this.ids = new Set(this.documents.map((one) => one._id));
    this.selected = -1;
    this.isFollowing = true;
    this.plan();
  }

  /** Add newer ones, with the next frame; those that it has are left out. @param {any[]} documents */
  append(documents) {
    const news = documents.filter((one) => !this.ids.has(one._id));
    for (const one of news) this.ids.add(one._id);
    const to = this.isPaused ? this.held : this.waiting;
    for (const one of news) to.push(one);
    for (const line of to.splice(0, Math.max(0, to.length - MOST_ROWS))) this.ids.delete(line._id);
    this.plan();
  }

  /** Add some that may be older than others that are shown, each at its time. @param {any[]} documents */
  merge(documents) {
    const before = this.ids.size;
    this.append(documents);
    if (this.ids.size === before || this.isPaused) return;
    const current = this.current;
    this.documents.push(...this.waiting.splice(0));
    this.documents.sort((a, b) => (a["@timestamp"] < b["@timestamp"] ? -1 : a["@timestamp"] > b["@timestamp"] ? 1 : 0));
    this.selected = current ? this.documents.indexOf(current) : -1;
  }

  /** Put older ones in front; what is seen stays where it is. @param {any[]} documents */
  prepend(documents) {
    const news = documents.filter((one) => !this.ids.has(one._id)).slice(-(MOST_ROWS - this.documents.length));
    for (const one of news) this.ids.add(one._id);
    this.documents = [...news, ...this.documents];
    if (this.selected >= 0) this.selected += news.length;
    this.resize();
    this.box.scrollTop += news.length * ROW;
    this.plan();
  }

  /** Stop or go on; what came meanwhile is then shown. @param {boolean} paused */
  pause(paused) {
    this.isPaused = paused;
    if (!paused) {
      this.waiting.push(...this.held);
      this.held = [];
      this.isFollowing = true;
    }
    this.plan();
  }

  /** Select a row and bring it into sight. @param {number} index */
  select(index) {
    if (!this.documents.length) return;
    this.selected = Math.max(0, Math.min(this.documents.length - 1, index));
    this.isFollowing = false;
    const top = this.selected * ROW;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop || top + ROW > scrollTop + clientHeight) this.box.scrollTop = top - clientHeight / 2;
    this.plan();
  }

  /** Select the next error from the selected row on. @param {1|-1} step */
  selectError(step) {
    let index = this.selected < 0 ? (step > 0 ? -1 : this.documents.length) : this.selected;
    do index += step;
    while (this.documents[index] && levelOf(this.documents[index]) !== "error");
    if (this.documents[index]) this.select(index);
  }

  /** The selected document, if there is one. */
  get current() {
    return this.documents[this.selected];
  }

  /** Draw with the next frame. */
  plan() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    performance.mark("draw");
    this.frame = 0;
    this.take();
    this.resize();
    if (this.isFollowing) this.box.scrollTop = this.space.clientHeight;
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - SPARE);
    const many = Math.ceil(this.box.clientHeight / ROW) + 2 * SPARE;
    const count = Math.max(0, Math.min(many, this.documents.length - first));
    while (this.rows.length < count) this.rows.push(this.space.appendChild(emptyRow()));
    while (this.rows.length > count) this.rows.pop()?.remove();
    for (let at = 0; at < count; at++) this.fill(this.rows[at], first + at);
    this.told.changed(this);
    performance.measure("rows", "draw");
    performance.clearMarks("draw");
  }

  take() {
    if (!this.waiting.length) return;
    this.documents.push(...this.waiting);
    this.waiting = [];
    const over = this.documents.length - MOST_ROWS;
    if (over <= 0) return;
    for (const one of this.documents.splice(0, over)) this.ids.delete(one._id);
    this.selected = Math.max(-1, this.selected - over);
    if (!this.isFollowing) this.box.scrollTop -= over * ROW;
  }

  resize() {
    this.space.style.height = `${this.documents.length * ROW}px`;
  }

  /** @param {HTMLElement} row @param {number} index */
  fill(row, index) {
    const one = this.documents[index];
    const level = levelOf(one);
    row.style.transform = `translateY(${index * ROW}px)`;
    const marks = `${index === this.selected ? " selected" : ""}${one._id === this.mark ? " marked" : ""}`;
    row.className = `row ${level}${marks}`;
    row.id = `line-${index}`;
    row.setAttribute("aria-selected", String(index === this.selected));
    if (row.dataset.key === one._id) return;
    row.dataset.key = one._id;
    const [time, tag, name, text] = row.children;
    time.textContent = clock(one);
    tag.textContent = level || "·";
    name.textContent = one.docker_container ?? one["@target"] ?? "";
    text.textContent = rowText(one);
  }

  scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.box;
    this.isFollowing = scrollTop + clientHeight >= scrollHeight - ROW && this.selected < 0;
    if (scrollTop < 4 * ROW && scrollHeight > clientHeight) this.told.top();
    this.plan();
  }

  /** @param {Event} event */
  clicked(event) {
    const row = /** @type {HTMLElement} */ (event.target).closest(".row");
    if (!row) return;
    this.select(Number(row.id.slice("line-".length)));
    this.told.opened(this.current);
  }
}

function emptyRow() {
  const row = document.createElement("div");
  row.setAttribute("role", "option");
  for (const name of ["time", "tag", "name", "text"]) row.appendChild(document.createElement("span")).className = name;
  return row;
}
