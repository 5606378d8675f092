/** The view of patterns: lines that differ in numbers and ids alone, counted. */
import { useAnswer } from "./api.js";
import { html } from "./html.js";
import { Range, rangeOf } from "./range.js";
import { address, go } from "./state.js";
import { count, moment, t } from "./text.js";

/** @param {{args: Record<string, string>}} props */
export function Patterns({ args }) {
  const { data, error, isLoading } = useAnswer("patterns", { q: args.q, ...rangeOf(args), limit: 100 });
  const set = (changed) => go("patterns", { ...args, ...changed });
  const submit = (event) => {
    event.preventDefault();
    set({ q: new FormData(event.currentTarget).get("q") });
  };
  return html`
    <form class="bar" role="search" onSubmit=${submit}>
      <input id="search" name="q" type="search" key=${args.q} defaultValue=${args.q ?? ""} placeholder=${t("searchHint")} aria-label=${t("search")} maxlength="2000" />
      <button>${t("search")}</button>
      <${Range} args=${args} set=${set} />
    </form>
    <p role="status">${error ? error.message : isLoading || !data ? t("loading") : t("lookedAt", count(data.looked_at), count(data.total))}</p>
    ${data && html`<div class="scroll" tabindex="0" role="region" aria-label=${t("patterns")}><table class="patterns">
      <thead><tr><th scope="col">${t("count")}</th><th scope="col">${t("level")}</th><th scope="col">${t("pattern")}</th>
        <th scope="col">${t("first")}</th><th scope="col">${t("last")}</th></tr></thead>
      <tbody>${data.patterns.map((one) => html`<tr key=${one.id}>
        <td class="number">${count(one.count)}</td>
        <td><span class="tag ${one.level}">${one.level}</span></td>
        <td class="pattern"><a href=${address("logs", { id: one.id })}><bdi>${one.pattern}</bdi></a></td>
        <td>${moment(one.first)}</td><td>${moment(one.last)}</td>
      </tr>`)}</tbody>
    </table></div>`}`;
}
