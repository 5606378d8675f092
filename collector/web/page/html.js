/** Templates → elements: `htm` bound to Preact. All values are set as text or properties, never parsed as markup. */
import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

export const html = htm.bind(h);
