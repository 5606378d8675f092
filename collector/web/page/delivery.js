/** The truth beside the logs: the books of each output, what it refused, and how far everything is complete. */
import { getText, post, useAnswer } from "./api.js";
import { html } from "./html.js";
import { count, moment, size, t } from "./text.js";
import { useEffect, useState } from "./vendor/hooks.js";

/** What becomes of each line that came: `CAME` is the sum of the others, but for what the spool lost. */
const CAME = [["read", "read"], ["replayed", "replayedLines"], ["recovered_from_spool", "recovered"]];
const WENT = [
  ["acknowledged", "acknowledged"], ["duplicates", "duplicates"], ["filtered", "filtered"], ["dead_letters", "deadLetters"],
  ["fallback", "fallback"], ["in_flight", "inFlight"], ["spooled", "spooled"],
];

/** The books of an output as an equation; what is on no side of it is lost. */
function identity(output) {
  const told = (terms) => terms.filter(([key], at) => output[key] || !at).map(([key, name]) => `${count(output[key])} ${t(name)}`);
  const sum = (terms) => terms.reduce((before, [key]) => before + output[key], 0);
  const gone = sum(CAME) - sum(WENT);
  return `${told(CAME).join(" + ")} = ${[...told(WENT), ...(gone > 0 ? [`${count(gone)} ${t("lost")}`] : [])].join(" + ")}`;
}

/** The outputs, or null before they are known. @param {number} seconds @returns {any[]|null} */
export function useOutputs(seconds) {
  return useAnswer("outputs", {}, seconds).data?.outputs ?? null;
}

/** @param {{isAdmin: boolean}} props */
export function Delivery({ isAdmin }) {
  const outputs = useOutputs(2);
  if (!outputs) return html`<p role="status">${t("loading")}</p>`;
  return html`
    <div class="outputs">${outputs.map((one) => html`<${Output} key=${one.name} output=${one} />`)}</div>
    <${Letters} outputs=${outputs} isAdmin=${isAdmin} />`;
}

function Output({ output }) {
  const row = (key, value) => html`<div><dt>${t(key)}</dt><dd>${value}</dd></div>`;
  return html`
    <section class="output" aria-label=${output.name}>
      <h2>${output.name} <small>${output.type}</small> <span class="tag ${output.state === "ok" ? "info" : "error"}">${output.state}</span></h2>
      ${output.error && html`<p class="problem">${output.error}</p>`}
      <p class="identity">${identity(output)}</p>
      <dl>
        ${row("completeUntil", moment(output.complete_until))}
        ${row("lag", output.lag_seconds === null ? t("unknown") : `${output.lag_seconds.toFixed(1)} s`)}
        ${row("promise", output.promise.text ?? output.promise.kind)}
        ${row("speed", output.documents_per_second)}
        ${row("backlog", size(output.backlog_bytes))}
        ${row("lost", count(output.lost))}
      </dl>
    </section>`;
}

function Letters({ outputs, isAdmin }) {
  const [letters, setLetters] = useState(/** @type {any[]} */ ([]));
  const [said, say] = useState("");
  const changed = outputs.map((one) => `${one.dead_letters} ${one.replayed}`).join();
  useEffect(() => {
    getText("dead-letters", { limit: 50 })
      .then((text) => setLetters(text.split("\n").filter(Boolean).slice(1).map((line) => JSON.parse(line))))
      .catch((error) => say(error.message));
  }, [changed]);
  const replay = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const token = String(new FormData(form).get("token"));
    form.reset(); // it is kept nowhere
    say(t("loading"));
    try {
      const lines = (await post("dead-letters/replay", {}, token)).trim().split("\n");
      say(t("replayed", lines[lines.length - 1]));
    } catch (error) {
      say(error.message);
    }
  };
  return html`
    <section class="letters" aria-label=${t("deadLetters")}>
      <h2>${t("deadLetters")}</h2>
      ${!letters.length && html`<p>${t("noLetters")}</p>`}
      ${letters.length > 0 && html`<ul>${letters.map((one, at) => html`<li key=${at}><code><bdi>${JSON.stringify(one)}</bdi></code></li>`)}</ul>`}
      ${isAdmin && letters.length > 0 && html`<form class="replay" onSubmit=${replay}>
        <label>${t("replayToken")} <input name="token" type="password" autocomplete="off" required /></label>
        <button>${t("replay")}</button>
      </form>`}
      <p role="status">${said}</p>
    </section>`;
}

/** What stands below every view: each output in a few words. */
export function Footer() {
  const outputs = useOutputs(5);
  return html`<footer class="short" aria-label=${t("footer")}>
    ${(outputs ?? []).map((one) => html`<a key=${one.name} href="#/delivery">
      <i class="dot ${one.state}"></i> <b>${one.name}</b> <span>${identity(one)}</span> <span class=${one.lost ? "problem" : ""}>${count(one.lost)} ${t("lost")}</span>
      <span>${t("completeUntil")} ${one.complete_until ? moment(one.complete_until).slice(11) : t("unknown")}</span></a>`)}
  </footer>`;
}
