/** One document → all its members, each with what can be done with it. */
import { html } from "./html.js";
import { address } from "./state.js";
import { t } from "./text.js";
import { useState } from "./vendor/hooks.js";

/** Members beside `log` that a query names otherwise, or that it cannot ask for. */
const QUERIED = { docker_container: "container", "@target": "target", _id: "", "@timestamp": "" };
const NAMED = /^[A-Za-z_@][\w@.-]*$/;

/**
 * @param {{document: any, narrow: (name: string, value: unknown, without: boolean) => void, close: () => void,
 *   args: Record<string, string>}} props
 */
export function Detail({ document: shown, narrow, close, args }) {
  const [copied, setCopied] = useState("");
  const link = new URL(address("logs", { id: shown._id }), location.href).href;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link);
      setCopied(shown._id);
    } catch {
      prompt(t("copyLink"), link); // no clipboard without https, except on this machine
    }
  };
  return html`
    <aside class="detail" aria-label=${t("line")}>
      <header>
        <a class="button" href=${address("logs", { ...args, id: shown._id })}>${t("context")}</a>
        <button onClick=${copy}>${copied === shown._id ? t("copied") : t("copyLink")}</button>
        <button class="close" aria-label=${t("close")} onClick=${close}>×</button>
      </header>
      <div class="tree" tabindex="0" role="group" aria-label=${t("line")}><${Members} of=${shown} path="" narrow=${narrow} /></div>
    </aside>`;
}

function Members({ of, path, narrow }) {
  return html`<ul>${Object.entries(of).map(([name, value]) => {
    const whole = path ? `${path}.${name}` : name;
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      return html`<li key=${name}><details open><summary>${name}</summary><${Members} of=${value} path=${whole} narrow=${narrow} /></details></li>`;
    }
    const asked = path ? whole : (QUERIED[name] ?? name);
    const can = NAMED.test(asked) && value !== null && !Array.isArray(value);
    return html`<li key=${name} class="leaf">
      <span class="member">${name}</span>
      <bdi class="value ${typeof value}">${typeof value === "string" ? value : JSON.stringify(value)}</bdi>
      ${can && html`<span class="acts">
        <button aria-label=${t("filterBy", asked)} onClick=${() => narrow(asked, value, false)}>${t("filter")}</button>
        <button aria-label=${t("excludeBy", asked)} onClick=${() => narrow(asked, value, true)}>${t("exclude")}</button>
      </span>`}
    </li>`;
  })}</ul>`;
}
