// GitHub: a person who opens an issue, comments on it, labels it, closes it. Their webhooks go out.
import { ask, h, outcome } from "./dom.js";

const person = { user: "", said: {}, told: "", busy: false, opens: false, title: "", body: "", repository: "", label: "" };
const UNHEARD = "Nothing was sent: the sandbox has no gateway, or no webhook listens to this.";

// What of it the page shows besides what somebody is typing: when that is the same, nothing needs to be drawn anew.
export const shown = () => [person.user, person.told, person.busy, person.opens, person.repository, person.label];

export const isOpening = () => person.opens;

function actor(people) {
  return people.find((each) => each.login === person.user) ?? people[0];
}

function speaker(people, redraw) {
  const chosen = actor(people);
  const group = (title, wanted) => {
    const found = people.filter((each) => each.is_member === wanted);
    return found.length > 0 && h("optgroup", { label: title }, found.map((each) => h("option", { value: each.login, selected: each === chosen }, each.name)));
  };
  return h("label", {}, "As ", h("select", { id: "github-speaker", "aria-label": "Act as", onchange: (event) => { person.user = event.target.value; redraw(); } }, group("From outside", false), group("Team", true)));
}

async function act(what, said, redraw) {
  if (person.busy) return null;
  Object.assign(person, { busy: true, told: "…" });
  let answer = null;
  try {
    answer = await ask(`/github/_person/${what}`, "POST", said);
    person.told = outcome(answer, UNHEARD);
  } catch (error) {
    person.told = error.message;
  }
  person.busy = false;
  await redraw();
  return answer;
}

const told = () => h("p", { class: "quiet told", role: "status" }, person.told);

// -- on an issue

export function compose(issue, redraw) {
  if (issue.people.length === 0) return h("p", { class: "quiet" }, "Nobody can write here: seed a user.");
  const { login, is_member } = actor(issue.people);
  const key = `${issue.repository}#${issue.number}`;
  const on = { user: login, repository: issue.repository, number: issue.number };
  const comment = async () => {
    const body = (person.said[key] ?? "").trim();
    if (body && await act("comment", { ...on, body }, () => {})) person.said[key] = "";
    await redraw();
  };
  const state = issue.state === "open" ? "closed" : "open";
  return h("form", { class: "github-person", onsubmit: (event) => { event.preventDefault(); comment(); } },
    h("div", { class: "who-speaks" }, speaker(issue.people, redraw), is_member && labelling(issue, on, redraw)),
    h("textarea", { id: "github-words", rows: 3, "aria-label": "Comment", placeholder: "Comment on this issue", oninput: (event) => { person.said[key] = event.target.value; } }, person.said[key] ?? ""),
    h("div", { class: "actions" },
      (is_member || login === issue.user) && h("button", { type: "button", id: "github-state", disabled: person.busy, onclick: () => act("state", { ...on, state }, redraw) }, state === "closed" ? "Close issue" : "Reopen issue"),
      h("button", { class: "go", id: "github-comment", disabled: person.busy }, "Comment")),
    told());
}

function labelling(issue, on, redraw) {
  const has = issue.labels.map((label) => label.name);
  const chosen = issue.all_labels.includes(person.label) ? person.label : "";
  return [
    h("label", {}, "Label ", h("select", { id: "github-label", "aria-label": "Label", onchange: (event) => { person.label = event.target.value; redraw(); } },
      h("option", { value: "" }, "choose"), issue.all_labels.map((name) => h("option", { value: name, selected: name === chosen }, name)))),
    chosen && h("button", { type: "button", id: "github-relabel", disabled: person.busy, onclick: () => act("label", { ...on, [has.includes(chosen) ? "remove" : "add"]: [chosen] }, redraw) }, has.includes(chosen) ? "Take it off" : "Put it on"),
  ];
}

// -- a new issue

export function newIssue(held, redraw) {
  if (held.people.length === 0) return null;
  if (!person.opens) return h("button", { type: "button", id: "new-issue", onclick: () => { Object.assign(person, { opens: true, told: "" }); redraw(); } }, "New issue");
  const { people } = held;
  const { login, is_member } = actor(people);
  const open = held.repositories.filter((each) => is_member || !each.private);
  const chosen = open.find((each) => each.name === person.repository) ?? open[0];
  const send = async () => {
    const made = await act("issue", { user: login, repository: chosen.name, title: person.title, body: person.body }, () => {});
    if (made) {
      Object.assign(person, { opens: false, title: "", body: "" });
      location.hash = `#/github/${chosen.name}/issues/${made.number}`;
    }
    await redraw();
  };
  const field = (name) => ({ id: `new-issue-${name}`, oninput: (event) => { person[name] = event.target.value; } });
  return h("form", { class: "github-person", "aria-label": "New issue", onsubmit: (event) => { event.preventDefault(); send(); } },
    h("div", { class: "who-speaks" }, speaker(people, redraw),
      h("label", {}, "In ", h("select", { id: "new-issue-repository", "aria-label": "Repository", onchange: (event) => { person.repository = event.target.value; redraw(); } }, open.map((each) => h("option", { value: each.name, selected: each === chosen }, each.name))))),
    h("input", { ...field("title"), "aria-label": "Title", placeholder: "Title", autocomplete: "off", value: person.title }),
    h("textarea", { ...field("body"), rows: 3, "aria-label": "Description", placeholder: "Description" }, person.body),
    h("div", { class: "actions" },
      h("button", { type: "button", onclick: () => { Object.assign(person, { opens: false, told: "" }); redraw(); } }, "Cancel"),
      h("button", { class: "go", disabled: person.busy }, "Open issue")),
    told());
}
