/**
 * Version 1 of the API: requests with the session of this browser → answers; an error has cause and remedy.
 *
 * Addresses are relative to the page, so that it works behind a proxy below any path.
 */
import { useEffect, useState } from "./vendor/hooks.js";

/** Why a request is not answered. */
export class ApiError extends Error {
  /** @param {number} status @param {string} cause @param {string} remedy */
  constructor(status, cause, remedy) {
    super(remedy ? `${cause}: ${remedy}` : cause);
    this.status = status;
  }
}

/** @typedef {Record<string, string|number|string[]|undefined>} Arguments */

/** The address of a request; what is empty is left out. @param {string} path @param {Arguments} args */
export function url(path, args = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(args)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== "") query.append(name, String(one));
  }
  const text = query.toString();
  return `api/v1/${path}${text ? `?${text}` : ""}`;
}

/** An answer in JSON. @param {string} path @param {Arguments} args @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function get(path, args = {}, signal) {
  const answer = await fetch(url(path, args), { signal });
  if (!answer.ok) throw await failure(answer);
  return answer.json();
}

/** The text of an answer. @param {string} path @param {Arguments} args */
export async function getText(path, args = {}) {
  const answer = await fetch(url(path, args));
  if (!answer.ok) throw await failure(answer);
  return answer.text();
}

/** Let something be done, with a token: a session only reads. @param {string} path @param {Arguments} args @param {string} token */
export async function post(path, args, token) {
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(url(path, args), { method: "POST", headers });
  if (!answer.ok) throw await failure(answer);
  return answer.text();
}

/**
 * What a request answers, again whenever its arguments change, and each `seconds` if they are given.
 * @param {string|null} path null: nothing is asked
 * @param {Arguments} args
 * @param {number} [seconds]
 * @returns {{data: any, error: Error|null, isLoading: boolean}}
 */
export function useAnswer(path, args = {}, seconds = 0) {
  const [told, tell] = useState({ data: null, error: null, isLoading: true, key: "" });
  const key = path === null ? "" : url(path, args);
  useEffect(() => {
    if (!key) return undefined;
    const stopped = new AbortController();
    /** @type {number|undefined} */
    let timer;
    const ask = async () => {
      try {
        const data = await get(/** @type {string} */ (path), args, stopped.signal);
        tell({ data, error: null, isLoading: false, key });
      } catch (error) {
        if (stopped.signal.aborted) return;
        tell((before) => ({ ...before, error, isLoading: false, key }));
      }
      if (seconds && !stopped.signal.aborted) timer = setTimeout(ask, seconds * 1000);
    };
    ask();
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, [key, seconds]);
  return { ...told, isLoading: told.key !== key };
}

async function failure(answer) {
  const said = await answer.json().catch(() => ({}));
  return new ApiError(answer.status, said.error ?? `HTTP ${answer.status}`, said.remedy ?? "");
}
