// The page: asks the sandbox for news, keeps the feed, sends what the buttons say, shows the pane of the address.
import { $, ask, day, h, time } from "./dom.js";
import { show } from "./panes.js";

const KEPT = 400;
const EVERY = 600; // milliseconds
const NAMES = { github: "GitHub", salesforce: "Salesforce", slack: "Slack", google: "Google", unthread: "Unthread", twilio: "Twilio", zoom: "Zoom" };
const TABS = { ...NAMES, webhooks: "Webhooks" };

const feed = { kind: "effects", service: "", effects: [], calls: [] };
let seen = { generation: -1, version: -1 };
let clock = { ahead: 0, frozen: false, now: 0 };

// -- the feed ---------------------------------------------------------------------------------------------------

const DULL = new Set(["name", "color", "ts", "user", "team", "bot_id", "app_id", "metadata", "unfurl_links", "unfurl_media"]);

function tellingFirst(detail) {
  const filled = Object.entries(detail).filter(([, value]) => value !== null && value !== "" && value.length !== 0);
  const [dull, telling] = [true, false].map((wanted) => filled.filter(([name]) => DULL.has(name) === wanted));
  return [...telling, ...dull].map(([name, value]) => `${name}: ${inWords(value)}`);
}

function inWords(value) {
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value.join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

function effectItem(effect) {
  const told = tellingFirst(effect.detail);
  return h("li", {},
    h("time", { datetime: effect.at, title: `${day(effect.at)} UTC` }, time(effect.at)),
    h("div", { class: "text" }, h("span", { class: `who ${effect.service}` }, NAMES[effect.service]), ` ${effect.action} ${inPlace(effect)}`),
    h("div", { class: "under" },
      h("span", { class: `chip ${effect.public ? "public" : "private"}` }, effect.public ? "public" : "private"),
      effect.actor === "somebody else" && h("span", { class: "chip bad" }, "by somebody else"),
      h("details", { class: "quiet" }, h("summary", {}, h("span", { class: "folded" }, told.join(", ")), h("span", { class: "unfolded" }, "details")), told.map((each) => h("div", {}, each)), h("div", {}, `by ${effect.actor}`))));
}

// "fleetdm/fleet customer-ceres" reads better the other way round, and "create opportunity Opportunity" stutters.
function inPlace({ action, target }) {
  const [noun, ...rest] = target.split(" ");
  if (action.endsWith(noun.toLowerCase())) return rest.join(" ");
  return target.replace(/^([\w.-]+\/[\w.-]+) (.+)$/, "$2 in $1");
}

function legible(path) {
  try {
    return decodeURIComponent(path.replaceAll("+", " "));
  } catch {
    return path;
  }
}

function callItem(call) {
  const failed = call.status === null || call.status >= 400;
  return h("li", {},
    h("time", { datetime: call.at, title: `${day(call.at)} UTC` }, time(call.at)),
    h("div", { class: "text" }, h("span", { class: `who ${call.service}` }, NAMES[call.service]), " ", h("code", {}, `${call.method} ${legible(call.path)}`)),
    h("div", { class: "under" },
      h("span", { class: failed ? "chip bad" : "chip" }, call.status === null ? "no answer" : String(call.status)),
      call.fault && h("span", { class: "chip bad" }, `fault ${call.fault}`),
      h("span", { class: "quiet" }, `${call.milliseconds} ms`),
      call.effects > 0 && h("span", { class: "quiet" }, call.effects === 1 ? "1 effect" : `${call.effects} effects`)));
}

function item(entry) {
  return feed.kind === "effects" ? effectItem(entry) : callItem(entry);
}

function shown(entries) {
  return entries.filter((entry) => !feed.service || entry.service === feed.service);
}

function rebuildFeed() {
  const entries = shown(feed[feed.kind]);
  $("feed").replaceChildren(...(entries.length > 0 ? entries.map(item).reverse() : [nothingYet()]));
  countFeed();
}

function nothingYet() {
  const wanted = feed.service ? ` in ${NAMES[feed.service]}` : "";
  const what = feed.kind === "effects" ? `Nothing has changed${wanted} yet.` : `No call${wanted} has come in yet.`;
  return h("li", { class: "nothing" }, `${what} Point a client at ${location.origin} and it shows up here.`);
}

function countFeed() {
  const number = shown(feed[feed.kind]).length;
  const word = feed.kind === "effects" ? "effect" : "call";
  $("count").textContent = number === 1 ? `1 ${word}` : `${number >= KEPT ? `last ${KEPT}` : number} ${word}s`;
}

function addToFeed(kind, entries) {
  feed[kind] = [...feed[kind], ...entries].slice(-KEPT);
  const added = kind === feed.kind ? shown(entries) : [];
  if (added.length === 0) return;
  const list = $("feed");
  list.querySelector(".nothing")?.remove();
  for (const entry of added) {
    const element = item(entry);
    element.classList.add("new");
    list.prepend(element);
  }
  while (list.children.length > KEPT) list.lastChild.remove();
  countFeed();
}

// -- news -------------------------------------------------------------------------------------------------------

async function look() {
  try {
    const last = (kind) => feed[kind].at(-1)?.number ?? 0;
    const query = `generation=${seen.generation}&effect=${last("effects")}&call=${last("calls")}`;
    await take(await ask(`/console/news?${query}`));
    $("trouble").hidden = true;
  } catch (error) {
    report(error);
  }
  setTimeout(look, document.hidden ? 5 * EVERY : EVERY);
}

function report(error) {
  $("trouble").textContent = error.message;
  $("trouble").hidden = false;
}

async function take(news) {
  setClock(news);
  for (const button of document.querySelectorAll("[data-tab], [data-service]")) {
    const name = button.dataset.tab ?? button.dataset.service;
    button.hidden = name in NAMES && !news.services.includes(name);
  }
  if (news.generation !== seen.generation) {
    Object.assign(feed, { effects: news.effects, calls: news.calls });
    rebuildFeed();
  } else {
    addToFeed("effects", news.effects);
    addToFeed("calls", news.calls);
  }
  if (news.version !== seen.version || news.generation !== seen.generation) {
    showConditions(news);
    await showPane();
  }
  seen = { generation: news.generation, version: news.version };
}

function setClock(news) {
  clock = { ahead: Date.parse(news.now) - Date.now(), frozen: news.frozen, now: Date.parse(news.now) };
  $("clock-note").textContent = news.frozen ? "UTC, stands still" : Math.abs(clock.ahead) > 5000 ? "UTC, moved" : "UTC";
  tick();
}

function tick() {
  const moment = clock.frozen ? clock.now : Date.now() + clock.ahead;
  $("clock").textContent = `${day(moment)}, ${time(moment)}`;
  $("clock").setAttribute("datetime", new Date(moment).toISOString());
}

function showConditions(news) {
  const waiting = news.faults.filter((fault) => fault.struck < fault.times);
  const told = waiting.map((fault) => {
    const where = [NAMES[fault.service], fault.method, fault.path].filter(Boolean).join(" ") || "the next call";
    const left = fault.times - fault.struck;
    return `${fault.kind} on ${where}${left > 1 ? `, ${left} times` : ""}`;
  });
  const slow = Object.entries(news.latency).map(([name, [low, high]]) => `${NAMES[name] ?? "every call"} takes ${low} to ${high} s`);
  $("conditions").textContent = [told.length > 0 && `Waiting to strike: ${told.join("; ")}.`, slow.length > 0 && `Latency: ${slow.join("; ")}.`].filter(Boolean).join(" ");
  $("conditions").hidden = told.length + slow.length === 0;
}

// -- panes ------------------------------------------------------------------------------------------------------

async function showPane() {
  const route = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const service = route[0] in TABS ? route[0] : "github";
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const chosen = tab.dataset.tab === service;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    if (chosen) $("pane").setAttribute("aria-labelledby", tab.id);
  }
  await show($("pane"), service, route.slice(1));
}

function onTabKey(event) {
  const tabs = [...document.querySelectorAll("[role=tab]:not([hidden])")];
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
  next.focus();
  next.click();
}

// -- controls ---------------------------------------------------------------------------------------------------

function choose(buttons, chosen) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
}

function onSubmit(id, act) {
  $(id).addEventListener("submit", async (event) => {
    const value = event.submitter?.value ?? "go";
    if (value === "cancel") return;
    event.preventDefault();
    try {
      await act(value, new FormData(event.target));
      event.target.closest("dialog").close();
    } catch (error) {
      complain(event.target, error.message);
    }
  });
}

function complain(form, sentence) {
  form.querySelector(".trouble")?.remove();
  form.querySelector(".actions").before(h("p", { class: "trouble", role: "alert" }, sentence));
}

function start() {
  for (const button of document.querySelectorAll("[data-opens]")) {
    button.addEventListener("click", () => {
      const dialog = $(button.dataset.opens);
      dialog.querySelector(".trouble")?.remove();
      dialog.showModal();
    });
  }
  onSubmit("fault-form", (_, given) => ask("/_sandbox/faults", "POST", {
    ...Object.fromEntries(given), times: Number(given.get("times")), seconds: Number(given.get("seconds")),
  }));
  $("clear-faults").addEventListener("click", () =>
    ask("/_sandbox/faults", "DELETE").then(() => $("fault-dialog").close(), (error) => complain($("fault-form"), error.message)));
  onSubmit("latency-form", (value, given) =>
    ask("/_sandbox/latency", "PUT", value === "none" ? {} : { "*": [Number(given.get("low")), Number(given.get("high"))] }));
  onSubmit("clock-form", (value) => ask("/_sandbox/clock/advance", "POST", { seconds: Number(value) }));
  onSubmit("reset-form", (value) => ask("/_sandbox/reset", "POST", { seed: value }));

  const kinds = [...document.querySelectorAll("[data-feed]")];
  for (const button of kinds) button.addEventListener("click", () => { feed.kind = button.dataset.feed; choose(kinds, button); rebuildFeed(); });
  const filters = [...document.querySelectorAll("[data-service]")];
  for (const button of filters) button.addEventListener("click", () => { feed.service = button.dataset.service; choose(filters, button); rebuildFeed(); });
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.addEventListener("click", () => { location.hash = `#/${tab.dataset.tab}`; });
    tab.addEventListener("keydown", onTabKey);
  }
  window.addEventListener("hashchange", () => showPane().catch(report));
  setInterval(tick, 1000);
  look();
}

start();
