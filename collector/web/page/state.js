/**
 * The address after `#` ↔ what is shown: `#/logs?q=level:error&since=1h`. Every view is a URL that works after a reload.
 */
import { useEffect, useState } from "./vendor/hooks.js";

export const VIEWS = ["logs", "containers", "patterns", "delivery"];

/**
 * @typedef {{view: string, args: Record<string, string>}} Route
 */

/** @param {string} hash @returns {Route} */
export function parsed(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const view = VIEWS.includes(path) ? path : VIEWS[0];
  return { view, args: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a view; what is empty is left out. @param {string} view @param {Record<string, string>} args */
export function address(view, args = {}) {
  const query = new URLSearchParams(Object.entries(args).filter(([, value]) => value)).toString();
  return `#/${view}${query ? `?${query}` : ""}`;
}

/** Show a view. @param {string} view @param {Record<string, string>} args */
export function go(view, args = {}) {
  location.hash = address(view, args);
}

/** What the address says, now and when it changes. @returns {Route} */
export function useRoute() {
  const [hash, set] = useState(location.hash);
  useEffect(() => {
    const changed = () => set(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parsed(hash);
}

/**
 * A query with one more condition: that a member has a value, or has it not.
 * @param {string} query @param {string} name @param {unknown} value @param {boolean} without
 */
export function narrowed(query, name, value, without = false) {
  const text = String(value).replace(/[\\"]/g, "\\$&");
  const term = `${without ? "NOT " : ""}${name}:${typeof value === "number" ? value : `"${text}"`}`;
  const before = query.trim();
  if (!before) return term;
  return `${/\bOR\b/.test(before) && !/^\([^()]*\)$/.test(before) ? `(${before})` : before} AND ${term}`;
}

const THEME = "pilotfish-theme";

/** Show the theme that was chosen in this browser; without one the browser's own holds. */
export function beginTheme() {
  const kept = localStorage.getItem(THEME);
  if (kept) document.documentElement.dataset.theme = kept;
}

/** Whether dark colours are shown now. */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Change between dark and light, and tell who draws by himself. */
export function turnTheme() {
  const next = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem(THEME, next);
  dispatchEvent(new Event("theme"));
}
