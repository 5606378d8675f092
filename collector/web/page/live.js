/**
 * Documents as they come: from the tail, or, with a query, from the search asked again and again.
 *
 * The tail takes no query. So that no line is missed between what was searched first and what the tail shows, what was
 * on its way is searched once more after `SETTLE` milliseconds. A line that comes twice is known by its `_id`.
 */
import { get, url } from "./api.js";

const SETTLE = 4000;
const EVERY = 2000;
const OVERLAP = 30_000; // so late may a line be found that is older than others
const MOST = 500;

/**
 * @param {string} query
 * @param {{news: (documents: any[]) => void, merged: (documents: any[]) => void, skipped: (count: number) => void,
 *   connected: (is: boolean) => void, missed: () => void}} told
 * @returns {() => void} ends it
 */
export function follow(query, told) {
  return query.trim() ? polled(query, told) : streamed(told);
}

function streamed(told) {
  const source = new EventSource(url("tail"));
  source.addEventListener("open", () => told.connected(true));
  source.addEventListener("error", () => told.connected(false));
  source.addEventListener("documents", (event) => told.news(JSON.parse(event.data)));
  source.addEventListener("skipped", (event) => told.skipped(JSON.parse(event.data).skipped));
  source.addEventListener("missed", () => told.missed());
  const timer = setTimeout(async () => {
    const found = await get("search", { since: "30s", limit: MOST }).catch(() => null);
    if (found) told.merged(found.documents);
  }, SETTLE);
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

function polled(query, told) {
  const stopped = new AbortController();
  let since = Date.now() - OVERLAP;
  const ask = async () => {
    const now = Date.now();
    try {
      const found = await get("search", { q: query, since: new Date(since).toISOString(), limit: 10 * MOST }, stopped.signal);
      told.connected(true);
      told.merged(found.documents);
      since = now - OVERLAP;
    } catch {
      if (!stopped.signal.aborted) told.connected(false);
    }
    if (!stopped.signal.aborted) timer = setTimeout(ask, EVERY);
  };
  let timer = setTimeout(ask, EVERY);
  return () => {
    stopped.abort();
    clearTimeout(timer);
  };
}
