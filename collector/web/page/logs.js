/** The view of logs: one search over all history, its histogram and facets, the lines, and what comes live. */
import { get, useAnswer } from "./api.js";
import { Detail } from "./detail.js";
import { Download } from "./download.js";
import { Facets } from "./facets.js";
import { Histogram } from "./histogram.js";
import { html } from "./html.js";
import { useKeys } from "./keys.js";
import { LogList } from "./list.js";
import { follow } from "./live.js";
import { Range, rangeOf } from "./range.js";
import { go, narrowed } from "./state.js";
import { count, t } from "./text.js";
import { useCallback, useEffect, useRef, useState } from "./vendor/hooks.js";

const PAGE = 500; // documents of one request
const BUCKETS = 60;

/** @param {{args: Record<string, string>, mayDownload: boolean}} props */
export function Logs({ args, mayDownload }) {
  const box = useRef(null);
  const list = useRef(/** @type {LogList|null} */ (null));
  const older = useRef(/** @type {() => void} */ (() => {}));
  const [opened, open] = useState(/** @type {any} */ (null));
  const [seen, see] = useState({ shown: 0, held: 0, isPaused: false });
  const set = useCallback((changed) => go("logs", { ...args, id: "", of: "", ...changed }), [JSON.stringify(args)]);
  const narrow = useCallback((name, value, without) => set({ q: narrowed(args.q ?? "", name, value, without) }), [set]);
  useEffect(() => {
    const changed = (one) => see((was) => {
      const now = { shown: one.documents.length, held: one.held.length, isPaused: one.isPaused };
      return was.shown === now.shown && was.held === now.held && was.isPaused === now.isPaused ? was : now;
    });
    const made = new LogList(/** @type {any} */ (box.current), { opened: open, top: () => older.current(), changed });
    list.current = made;
    return () => made.end();
  }, []);
  const said = useDocuments(args, list, older);
  useLogKeys(list, { open, narrow, args, pause: () => list.current?.pause(!list.current.isPaused) });
  const isLive = !args.id && !args.until;
  return html`
    <${Bar} args=${args} set=${set} mayDownload=${mayDownload} isLive=${isLive} seen=${seen}
      pause=${() => list.current?.pause(!seen.isPaused)} />
    ${args.id ? html`<${ContextBar} args=${args} />` : html`<${Overview} args=${args} set=${set} isLive=${isLive} />`}
    <div class="columns">
      ${!args.id && html`<${Facets} args=${args} narrow=${narrow} />`}
      <div class="main">
        <p class="told" role="status">
          ${said.error ? html`<strong class="problem">${said.error}</strong>` : said.isLoading ? t("loading") : told(said, seen)}
          ${said.skipped > 0 && html` <em class="skipped">${t("skipped", count(said.skipped))}</em>`}
          ${isLive && !said.isConnected && html` <em class="problem">${t("notConnected")}</em>`}
          ${said.isMissing && html` <em class="problem">${t("missed")}</em>`}
        </p>
        <div ref=${box} class="lines" role="listbox" tabindex="0" aria-label=${t("lines")} aria-live="off"></div>
      </div>
      ${opened && html`<${Detail} document=${opened} narrow=${narrow} close=${() => open(null)} args=${args} />`}
    </div>`;
}

function told(said, seen) {
  if (!seen.shown) return t("nothing");
  return said.total === null ? t("shown", count(seen.shown)) : `${t("total", count(said.total))} · ${t("shown", count(seen.shown))}`;
}

/** What the list shows: of a search, with what comes after it, or around one document. */
function useDocuments(args, list, older) {
  const nothing = { total: null, error: "", isLoading: true, skipped: 0, isConnected: true, isMissing: false };
  const [said, say] = useState(nothing);
  const { since, until } = rangeOf(args);
  useEffect(() => {
    const one = /** @type {LogList} */ (list.current);
    const stopped = new AbortController();
    let end = () => {};
    const tell = (changed) => !stopped.signal.aborted && say((was) => ({ ...was, ...changed }));
    say(nothing);
    one.pause(false);
    one.reset([]);
    one.mark = args.id ?? "";
    older.current = () => {};
    const begin = async () => {
      if (args.id) return around(one, args, stopped.signal, tell);
      if (!until) end = follow(args.q ?? "", listening(one, tell, say));
      return searched(one, { q: args.q, since, until }, stopped.signal, tell, older);
    };
    begin().catch((error) => tell({ error: error.message, isLoading: false }));
    return () => {
      stopped.abort();
      end();
    };
  }, [args.q, since, until, args.id, args.of]);
  return said;
}

function listening(one, tell, say) {
  return {
    news: (documents) => one.append(documents),
    merged: (documents) => one.merge(documents),
    skipped: (many) => say((was) => ({ ...was, skipped: was.skipped + many })),
    connected: (is) => tell({ isConnected: is }),
    missed: () => tell({ isMissing: true }),
  };
}

async function around(one, args, signal, tell) {
  const found = await get("context", { id: args.id, of: args.of || "container" }, signal);
  one.reset(found.documents);
  one.isFollowing = false;
  one.resize();
  one.select(found.at);
  tell({ isLoading: false });
}

async function searched(one, asked, signal, tell, older) {
  const found = await get("search", { ...asked, limit: PAGE }, signal);
  const live = [...one.documents, ...one.waiting];
  one.reset(found.documents.reverse());
  one.append(live);
  tell({ total: found.total, isLoading: false });
  let cursor = found.cursor;
  older.current = async () => {
    if (!cursor || signal.aborted) return;
    const after = cursor;
    cursor = "";
    const more = await get("search", { ...asked, limit: PAGE, after }, signal).catch(() => null);
    if (!more) cursor = after;
    else {
      one.prepend(more.documents.reverse());
      cursor = one.documents.length < 20_000 ? more.cursor : "";
    }
  };
}

function useLogKeys(list, { open, narrow, args, pause }) {
  const of = (use) => () => list.current?.current && use(list.current.current);
  const name = (one) => (one.docker_container ? ["container", one.docker_container] : ["target", one["@target"]]);
  const move = (use) => () => list.current && use(list.current);
  useKeys({
    " ": pause,
    g: move((one) => one.select(0)),
    G: move((one) => {
      one.selected = -1;
      one.isFollowing = true;
      one.plan();
    }),
    j: move((one) => one.select(one.selected + 1)),
    k: move((one) => one.select((one.selected < 0 ? one.documents.length : one.selected) - 1)),
    e: move((one) => one.selectError(1)),
    E: move((one) => one.selectError(-1)),
    Enter: of(open),
    Escape: () => open(null),
    f: of((one) => narrow(...name(one), false)),
    x: of((one) => narrow(...name(one), true)),
    c: of((one) => go("logs", { ...args, id: one._id })),
  });
}

function Bar({ args, set, mayDownload, isLive, seen, pause }) {
  const submit = (event) => {
    event.preventDefault();
    set({ q: new FormData(event.currentTarget).get("q") });
  };
  return html`
    <form class="bar" role="search" onSubmit=${submit}>
      <input id="search" name="q" type="search" key=${args.q} defaultValue=${args.q ?? ""} placeholder=${t("searchHint")} aria-label=${t("search")}
        autocomplete="off" spellcheck="false" maxlength="2000" />
      <button>${t("search")}</button>
      <${Range} args=${args} set=${set} />
      ${isLive && html`<button type="button" class="live ${seen.isPaused ? "" : "on"}" aria-pressed=${seen.isPaused} onClick=${pause}>
        ${seen.isPaused ? t("resume") : t("pause")}${seen.held > 0 && html` <b>${t("news", count(seen.held))}</b>`}</button>`}
      ${!isLive && html`<button type="button" onClick=${() => set({ since: "", until: "" })}>${t("live")}</button>`}
    </form>
    ${mayDownload && !args.id && html`<${Download} args=${args} />`}`;
}

function ContextBar({ args }) {
  const { id, of, ...rest } = args;
  const other = of === "all" ? "container" : "all";
  return html`<div class="context" role="group" aria-label=${t("contextOf")}>
    <h2>${t("contextOf")} ${t(of === "all" ? "ofAll" : "ofContainer")}</h2>
    <button onClick=${() => go("logs", { ...args, of: other })}>${t(other === "all" ? "ofAll" : "ofContainer")}</button>
    <button onClick=${() => go("logs", rest)}>${t("back")}</button>
  </div>`;
}

function Overview({ args, set, isLive }) {
  const { data } = useAnswer("histogram", { q: args.q, ...rangeOf(args), buckets: BUCKETS, by: "level" }, isLive ? 10 : 0);
  const onRange = (since, until) => set({ since: since.toISOString(), until: until.toISOString() });
  return html`<${Histogram} buckets=${data?.buckets ?? NONE} interval=${data?.interval_seconds ?? null} onRange=${onRange} />`;
}

/** @type {any[]} */
const NONE = [];
