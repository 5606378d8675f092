/** Keys of the page: one letter each, where nothing is being written. */
import { useEffect, useRef } from "./vendor/hooks.js";

const WRITING = "input, textarea, select, [contenteditable]";
const PRESSED = "button, a, summary"; // what Enter and the space bar press

/** @param {Record<string, (event: KeyboardEvent) => unknown>} keys by `KeyboardEvent.key` */
export function useKeys(keys) {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const pressed = (/** @type {KeyboardEvent} */ event) => {
      const at = /** @type {HTMLElement} */ (event.target);
      if (event.ctrlKey || event.metaKey || event.altKey || at.closest(WRITING) || at.closest("dialog")) return;
      if ((event.key === " " || event.key === "Enter") && at.closest(PRESSED)) return;
      const act = latest.current[event.key];
      if (!act) return;
      event.preventDefault();
      act(event);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}
