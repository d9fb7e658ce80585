// Builds elements. Text always goes in as text, never as HTML: what the services hold was written by anybody.
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const $ = (id) => document.getElementById(id);

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "UTC" });

export const day = (moment) => (moment ? DAY.format(new Date(moment)) : "");
export const time = (moment) => TIME.format(new Date(moment));

export const visibility = (isPrivate) =>
  h("span", { class: `chip ${isPrivate ? "private" : "public"}` }, isPrivate ? "private" : "public");

// Buttons that choose what a pane shows of a service.
export function views(service, all, chosen) {
  return h("div", { class: "choice", role: "group", "aria-label": "View" }, all.map(([name, title]) =>
    h("button", { type: "button", id: `view-${name}`, "aria-pressed": String(name === chosen), onclick: () => { location.hash = `#/${service}/${name}`; } }, title)));
}

// Words what became of a webhook that somebody caused.
export function outcome({ deliveries, status }, unheard) {
  if (!deliveries || deliveries.length === 0) return unheard;
  return status === null ? `Nobody answered at ${deliveries[0].path} (${deliveries[0].error}).` : `The gateway answered ${status} at ${deliveries[0].path}.`;
}

export class Unreachable extends Error {}

export async function ask(path, method = "GET", body = undefined) {
  const answer = await fetch(path, { method, body: body && JSON.stringify(body) }).catch(() => {
    throw new Unreachable("The sandbox doesn't answer. Start it with: python -m sandbox. This page tries again by itself.");
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error || `The sandbox answered ${answer.status}.`);
  return told;
}
