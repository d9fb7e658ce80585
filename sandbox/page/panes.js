// What each service holds, as tables and pages.
import { Unreachable, ask, day, h, time, views, visibility } from "./dom.js";
import { compose, isOpening, newIssue, shown } from "./github_person.js";
import { google, twilio, unthread, webhooks, zoom } from "./other_panes.js";
import { slack } from "./slack_pane.js";

const PAGE = 60;
const choices = { issueSearch: "", labelSearch: "", codenames: true, open: true, rows: PAGE };

// A pane is a function that gives its elements, or null when those on the screen are still right. A new service needs
// one here, and a name in console.js.
const PANES = { github, salesforce, slack, google, unthread, twilio, zoom, webhooks };

let turns = 0;

export async function show(pane, service, route) {
  const turn = ++turns;
  const drawn = await draw(service, route, () => show(pane, service, route), pane.firstElementChild);
  if (turn !== turns || drawn === null) return; // somebody has clicked on meanwhile, or nothing is new
  keepingFocus(pane, () => pane.replaceChildren(...drawn));
}

async function draw(service, route, redraw, onScreen) {
  try {
    return await PANES[service](route, redraw, onScreen);
  } catch (error) {
    if (error instanceof Unreachable) throw error;
    return [h("p", { class: "nothing", role: "alert" }, error.message)];
  }
}

// A pane is drawn anew at each change; whoever types or scrolls in it must not notice.
function keepingFocus(pane, replace) {
  const active = pane.contains(document.activeElement) ? document.activeElement : null;
  const id = active?.id;
  const at = active?.selectionStart;
  const scrolled = [pane, ...pane.querySelectorAll(".channels, .wide")].map((element) => [element.className, element.scrollTop]);
  const heard = pane.querySelector(".heard");
  const [of, above] = heard ? [heard.dataset.of, heard.scrollTop] : ["", 0];
  const isAtEnd = heard && heard.scrollHeight - above - heard.clientHeight < 40;
  replace();
  for (const [name, top] of scrolled) {
    const element = name ? pane.querySelector(`.${name}`) : pane;
    if (element) element.scrollTop = top;
  }
  const now = pane.querySelector(".heard");
  if (now) now.scrollTop = now.dataset.of === of && !isAtEnd ? above : now.scrollHeight; // whoever reads the end stays there
  const again = id && document.getElementById(id);
  if (!again) return;
  again.focus();
  if (typeof at === "number") again.setSelectionRange(at, at);
}

function table(heads, rows, empty) {
  if (rows.length === 0) return h("p", { class: "nothing" }, empty);
  return h("div", { class: "wide" }, h("table", {},
    h("thead", {}, h("tr", {}, heads.map((head) => head.tagName === "TH" ? head : h("th", { scope: "col" }, head)))),
    h("tbody", {}, rows)));
}

// A column that narrow windows leave out.
const roomy = (title) => h("th", { scope: "col", class: "roomy" }, title);

function search(id, name, title, redraw) {
  return h("input", { type: "search", id, value: choices[name], placeholder: title, "aria-label": title, oninput: (event) => { choices[name] = event.target.value; redraw(); } });
}

function tick(id, name, title, redraw) {
  return h("label", {}, h("input", { type: "checkbox", id, checked: choices[name], onchange: (event) => { choices[name] = event.target.checked; redraw(); } }), title);
}

const holds = (text, wanted) => text.toLowerCase().includes(wanted.trim().toLowerCase());

// -- GitHub -----------------------------------------------------------------------------------------------------

const CODENAME = /^(customer|prospect)-/i;

async function github(route, redraw, onScreen) {
  if (route[2] === "issues") return issuePage(await ask(`/console/github/${route[0]}/${route[1]}/issues/${Number(route[3])}`), redraw, onScreen);
  const held = await ask("/console/github");
  if (route[0] === "issues") return issues(held, redraw);
  return labels(held, redraw, route[2] === "labels" ? route[3] : "");
}

const githubViews = (chosen) => views("github", [["labels", "Labels"], ["issues", "Issues"]], chosen);

function labelChip(name, color) {
  return h("span", { class: "label", style: `background: #${color}33`, title: name }, name);
}

function labels(held, redraw, chosen) {
  const rows = held.labels
    .filter((label) => label.name === chosen || !choices.codenames || CODENAME.test(label.name))
    .filter((label) => label.name === chosen || holds(label.name + Object.values(label.descriptions).join(" "), choices.labelSearch))
    .map((label) => h("tr", { class: label.name === chosen ? "chosen" : undefined },
      h("td", { class: "tight" }, labelChip(label.name, label.color)),
      held.repositories.map((repository) => repository.name in label.descriptions
        ? h("td", {}, "✓ ", h("span", { class: repository.private ? undefined : "quiet" }, label.descriptions[repository.name]))
        : h("td", { class: "missing" }, "✗ not there"))));
  const heads = ["Label", ...held.repositories.map((repository) => [`${repository.name} `, visibility(repository.private)])];
  return [
    h("div", { class: "tools" }, githubViews("labels"), search("label-search", "labelSearch", "Find a label or name", redraw),
      tick("label-codenames", "codenames", "codenames only", redraw), h("span", { class: "quiet" }, `${rows.length} labels`)),
    table(heads, rows, choices.labelSearch ? "No label matches." : choices.codenames ? "No codename has been assigned yet." : "There are no labels."),
  ];
}

function issues(held, redraw) {
  const found = held.issues
    .filter((issue) => !choices.open || issue.state === "open")
    .filter((issue) => holds(`#${issue.number} ${issue.title} ${issue.labels.map((label) => label.name).join(" ")}`, choices.issueSearch));
  const rows = found.slice(0, choices.rows).map((issue) => h("tr", {},
    h("td", { class: "number" }, h("a", { href: `#/github/${issue.repository}/issues/${issue.number}` }, `#${issue.number}`)),
    h("td", {}, issue.title, h("div", { class: "labels" }, visibility(issue.private), issue.labels.map((label) => labelChip(label.name, label.color)))),
    h("td", { class: "tight roomy" }, issue.state),
    h("td", { class: "tight roomy" }, day(issue.created_at))));
  return [
    h("div", { class: "tools" }, githubViews("issues"), search("issue-search", "issueSearch", "Find by title, label, number", redraw),
      tick("issue-open", "open", "open only", redraw), h("span", { class: "quiet" }, `${found.length} issues`), !isOpening() && newIssue(held, redraw)),
    isOpening() && h("div", { class: "tools" }, newIssue(held, redraw)),
    table(["Number", "Issue", roomy("State"), roomy("Opened")], rows, "No issue matches."),
    found.length > rows.length && h("p", { class: "tools" },
      h("button", { type: "button", id: "more", onclick: () => { choices.rows += PAGE; redraw(); } }, `Show ${Math.min(PAGE, found.length - rows.length)} more`)),
  ].filter(Boolean);
}

// Gives null when what is on the screen shows the same, so that an open menu stays open.
function issuePage(issue, redraw, onScreen) {
  const state = JSON.stringify([issue, shown()]);
  if (onScreen?.shows === state) return null;
  const said = (who, at, text) => h("article", { class: "said" },
    h("header", {}, h("strong", {}, who), at && h("span", { class: "quiet" }, ` on ${day(at)}, ${time(at)}`)), h("pre", {}, text || "(no text)"));
  const page = h("div", { class: "page" },
    h("a", { href: "#/github/issues" }, "← All issues"),
    h("h2", {}, issue.title, h("span", { class: "quiet" }, ` #${issue.number}`)),
    h("p", {}, visibility(issue.private), ` ${issue.repository}, ${issue.state}`,
      issue.assignees.length > 0 && `, assigned to ${issue.assignees.join(", ")}`, ", ", h("a", { href: issue.html_url }, "its page")),
    h("div", { class: "labels" }, issue.labels.map((label) => labelChip(label.name, label.color))),
    said(issue.user, issue.created_at, issue.body),
    issue.comments.map((comment) => said(comment.user, comment.created_at, comment.body)),
    compose(issue, redraw));
  page.shows = state;
  return [page];
}

// -- Salesforce -------------------------------------------------------------------------------------------------

async function salesforce(route) {
  const held = await ask("/console/salesforce");
  const [view, chosen] = { Account: ["accounts", route[1]], Opportunity: ["opportunities", route[1]], opportunities: ["opportunities"] }[route[0]] ?? ["accounts"];
  const head = h("div", { class: "tools" }, views("salesforce", [["accounts", "Accounts"], ["opportunities", "Opportunities"]], view), visibility(true));
  const row = (id, ...cells) => h("tr", { class: id === chosen ? "chosen" : undefined }, cells);
  if (view === "opportunities") {
    return [head, table(["Opportunity", roomy("Account"), roomy("Type"), "Stage", "Closes", roomy("Amount")], held.opportunities.map((each) => row(each.id,
      h("td", { class: "long" }, breakable(each.name), each.next_step && h("div", { class: "quiet" }, `Next: ${each.next_step}`)), h("td", { class: "roomy" }, each.account), h("td", { class: "tight roomy" }, each.type),
      h("td", { class: "tight" }, each.stage), h("td", { class: "tight" }, day(each.closes)),
      h("td", { class: "number roomy" }, each.amount === null ? "" : `$${Number(each.amount).toLocaleString("en-US")}`))), "There are no opportunities.")];
  }
  return [head, table(["Account", "GitHub label", "Type", roomy("Owner"), roomy("Id")], held.accounts.map((each) => row(each.id,
    h("td", {}, each.name), h("td", { class: "tight" }, each.label ? h("a", { href: `#/github/fleetdm/confidential/labels/${encodeURIComponent(each.label)}` }, each.label) : h("span", { class: "quiet" }, "none")),
    h("td", { class: "tight" }, each.type), h("td", { class: "tight roomy" }, each.owner), h("td", { class: "tight roomy" }, h("code", {}, each.id)))), "There are no accounts.")];
}

// A long name may break after its underscores.
function breakable(name) {
  return name.split(/(?<=_)/).flatMap((part) => [part, h("wbr")]);
}
