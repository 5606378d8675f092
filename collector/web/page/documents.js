/** A document of the API → what a row shows of it. */

const MESSAGES = ["message", "msg", "log", "text", "event"];
const LEVELS = ["level", "severity", "lvl", "log.level", "severity_text"];
const NAMES = [
  [/^(f|fatal|crit|critical|alert|emerg|emergency|panic|e|err|error|severe)$/, "error"],
  [/^(w|warn|warning)$/, "warn"],
  [/^(d|debug|t|trace|verbose)$/, "debug"],
  [/^(i|info|information|notice)$/, "info"],
];
const MOST = 2000; // characters of a line in a row: the opened line has all
// what could turn a row around or hide a part of it: controls, and the marks of direction
const ODD = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ufeff]/g;

/** @typedef {Record<string, any>} Document */

/** Its class: error, warn, info, debug, or "". @param {Document} document @returns {string} */
export function levelOf(document) {
  const log = document.log ?? {};
  const name = LEVELS.find((one) => log[one] !== undefined);
  const text = String(name ? log[name] : (document.level ?? "")).toLowerCase();
  return /** @type {string} */ (NAMES.find(([form]) => /** @type {RegExp} */ (form).test(text))?.[1] ?? "");
}

/** Its text for one row: the message, then the other members; nothing that a terminal or a reader could be fooled by. */
export function rowText(document) {
  const log = document.log ?? {};
  const key = MESSAGES.find((one) => typeof log[one] === "string");
  if (key === undefined) return visible(JSON.stringify(log));
  const rest = Object.entries(log).filter(([name]) => name !== key && !LEVELS.includes(name));
  const more = rest.map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return visible([log[key], ...more].join("  "));
}

/** A text of one line with marks instead of what cannot be seen. @param {string} text @returns {string} */
export function visible(text) {
  const whole = text.length > MOST ? `${text.slice(0, MOST)}…` : text;
  return whole.replace(/\n/g, "⏎").replace(/\t/g, " ").replace(ODD, marked);
}

/** Its time within the day, to the millisecond. @param {Document} document */
export function clock(document) {
  const when = new Date(document["@timestamp"]);
  if (Number.isNaN(when.getTime())) return "";
  const two = (part) => String(part).padStart(2, "0");
  const milliseconds = String(when.getMilliseconds()).padStart(3, "0");
  return `${two(when.getMonth() + 1)}-${two(when.getDate())} ${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}.${milliseconds}`;
}

function marked(character) {
  const code = character.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : `<${code.toString(16).padStart(4, "0")}>`;
}
