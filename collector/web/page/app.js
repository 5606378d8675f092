/** The page: its head with the views, the view that the address names, and the truth in its footer. */
import { useAnswer } from "./api.js";
import { Containers, linkTo, useContainers } from "./containers.js";
import { Delivery, Footer } from "./delivery.js";
import { html } from "./html.js";
import { useKeys } from "./keys.js";
import { Logs } from "./logs.js";
import { Patterns } from "./patterns.js";
import { VIEWS, address, beginTheme, turnTheme, useRoute } from "./state.js";
import { language, t } from "./text.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { render } from "./vendor/preact.js";

const KEYS = [
  ["/", "keySearch"], ["space", "keyPause"], ["g G", "keyEnds"], ["j k", "keyMove"], ["Enter", "keyOpen"], ["e E", "keyErrors"],
  ["f x", "keyFilter"], ["c", "keyContext"], ["t", "keyTheme"], ["Ctrl-K", "keyContainers"], ["?", "keyHelp"],
];

function Page() {
  const { view, args } = useRoute();
  const [sheet, show] = useState("");
  const { data: who, error } = useAnswer("whoami");
  const role = who?.role ?? "view";
  useKeys({ t: turnTheme, "?": () => show("help"), "/": () => document.getElementById("search")?.focus() });
  useEffect(() => {
    const pressed = (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
      event.preventDefault();
      show("find");
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  return html`
    <header class="head">
      <h1>Pilotfish</h1>
      <nav aria-label=${t("views")}>${VIEWS.map((one) => html`
        <a key=${one} href=${address(one)} aria-current=${one === view ? "page" : undefined}>${t(one)}</a>`)}</nav>
      <span class="tools">
        <button onClick=${turnTheme} aria-label=${t("theme")} title=${t("theme")}>◐</button>
        <button onClick=${() => show("help")} aria-label=${t("help")} title=${t("help")}>?</button>
      </span>
    </header>
    <main class=${view}>
      ${error?.status === 401 && html`<p class="problem" role="alert">${t("signIn")}</p>`}
      ${view === "logs" && html`<${Logs} args=${args} mayDownload=${role !== "view"} />`}
      ${view === "containers" && html`<${Containers} />`}
      ${view === "patterns" && html`<${Patterns} args=${args} />`}
      ${view === "delivery" && html`<${Delivery} isAdmin=${role === "admin"} />`}
    </main>
    <${Footer} />
    ${sheet === "help" && html`<${Help} close=${() => show("")} />`}
    ${sheet === "find" && html`<${Find} close=${() => show("")} />`}`;
}

function Sheet({ title, close, children }) {
  const box = useRef(null);
  useEffect(() => /** @type {any} */ (box.current).showModal(), []);
  return html`<dialog ref=${box} aria-label=${title} onClose=${close}>
    <header><h2>${title}</h2><button aria-label=${t("close")} onClick=${close}>×</button></header>
    ${children}
  </dialog>`;
}

function Help({ close }) {
  return html`<${Sheet} title=${t("help")} close=${close}>
    <dl class="keys">${KEYS.map(([key, text]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${t(text)}</dd></div>`)}</dl>
  <//>`;
}

function Find({ close }) {
  const { rows } = useContainers();
  const [part, setPart] = useState("");
  const found = (rows ?? []).filter((one) => one.name.toLowerCase().includes(part.toLowerCase())).slice(0, 20);
  const submit = (event) => {
    event.preventDefault();
    if (found.length) location.hash = linkTo(found[0].name);
    close();
  };
  return html`<${Sheet} title=${t("findContainer")} close=${close}>
    <form onSubmit=${submit}><input type="search" autofocus aria-label=${t("findContainer")} value=${part} onInput=${(event) => setPart(event.currentTarget.value)} /></form>
    <ul>${found.map((one) => html`<li key=${one.name}><a href=${linkTo(one.name)} onClick=${close}>${one.name}</a></li>`)}</ul>
  <//>`;
}

beginTheme();
document.documentElement.lang = language;
render(html`<${Page} />`, document.getElementById("page"));
