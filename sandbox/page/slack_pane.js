// Slack: the channels, what is said there, and a person who speaks, presses buttons and fills in views.
import { ask, day, h, outcome, time, visibility } from "./dom.js";
import { drawBlock } from "./slack_blocks.js";
import { slackText } from "./slack_text.js";

const UNHEARD = "Nothing was sent to the app: it isn't in this channel, or the sandbox has no gateway.";
const person = { speakers: {}, text: "", thread: "", fields: {}, errors: {}, told: "", busy: false };

// Gives null when what is on the screen shows the same, so that an open menu stays open.
export async function slack(route, redraw, onScreen) {
  const held = await ask(`/console/slack${route[0] ? `?channel=${encodeURIComponent(route[0])}` : ""}`);
  if (!held.channel) return [h("p", { class: "nothing" }, "There are no channels.")];
  const { text, fields, ...shown } = person;
  const state = JSON.stringify([held, shown]);
  if (onScreen?.shows === state) return null;
  const names = new Map([...held.users.map((user) => [user.id, user.name]), ...held.channels.map((each) => [each.id, `#${each.name}`]), ["USLACKBOT", "Slackbot"]]);
  const talk = new Talk(held, names, redraw);
  const pane = h("div", { class: "slack-pane" }, channelList(held), talk.draw());
  pane.shows = state;
  return [pane];
}

function channelList(held) {
  return h("ul", { class: "channels", "aria-label": "Channels" }, held.channels.map((each) => h("li", {},
    h("a", { href: `#/slack/${each.id}`, "aria-current": each.id === held.channel.id && "true", onclick: () => { person.thread = ""; person.told = ""; } },
      `# ${each.name}`, h("span", { class: "quiet" }, each.messages || "")))));
}

class Talk {
  constructor(held, names, redraw) {
    Object.assign(this, { held, names, redraw, channel: held.channel });
    this.people = new Map(held.users.map((user) => [user.id, user]));
    const { speakers } = held.channel;
    this.speaker = speakers.includes(person.speakers[held.channel.id]) ? person.speakers[held.channel.id] : speakers[0] ?? "";
  }

  draw() {
    const { channel, held } = this;
    return h("div", { class: "talk" },
      h("div", { class: "head" }, h("h2", {}, `# ${channel.name} `, visibility(channel.private)), h("p", { class: "quiet" }, channel.topic)),
      h("div", { class: "heard", "data-of": channel.id, tabindex: "0", role: "log", "aria-label": `Messages in ${channel.name}` },
        held.messages.length === 0 && h("p", { class: "nothing" }, "No messages yet."),
        held.messages.map((each) => this.message(each))),
      this.view(),
      this.compose());
  }

  name(user) {
    return this.names.get(user) ?? user;
  }

  message(each) {
    const use = { names: this.names, people: this.held.users, press: (element, value) => this.act("click", { channel: this.channel.id, ts: each.ts, action_id: element.action_id, value }) };
    const looks = ["message", each.is_reply && "reply", each.shown_to && "only", each.subtype.startsWith("channel_") && "note"];
    return h("article", { class: looks.filter(Boolean).join(" "), "data-ts": each.ts },
      each.shown_to && h("div", { class: "quiet" }, `Only visible to ${this.name(each.shown_to)}`),
      h("div", { class: "by" }, h("span", { class: "name" }, this.name(each.user)), this.badge(each), h("span", { class: "quiet" }, ` ${day(each.at)}, ${time(each.at)}${each.is_edited ? " (edited)" : ""}`),
        !each.shown_to && this.channel.speakers.length > 0 && h("span", { class: "acts" },
          h("button", { type: "button", class: "plain", onclick: () => this.replyTo(each.thread) }, "Reply"),
          !each.subtype.startsWith("channel_") && this.shortcuts("message", { channel: this.channel.id, ts: each.ts }))),
      each.blocks.length > 0 ? each.blocks.map((block) => drawBlock(block, use)) : each.text && h("div", { class: "block" }, slackText(each.text, this.names)),
      each.files.map((title) => h("div", { class: "block" }, "📎 ", title)),
      each.reactions.length > 0 && h("div", { class: "quiet" }, each.reactions.map((reaction) => `:${reaction}: `)));
  }

  badge(each) {
    if (each.is_app || each.user === "USLACKBOT") return h("span", { class: "chip app" }, "app");
    return this.people.get(each.user)?.is_customer && h("span", { class: "chip customer" }, "customer");
  }

  // The menu of the app's shortcuts; Slack offers them to its own workspace only.
  shortcuts(type, where) {
    const offered = this.people.get(this.speaker)?.is_customer ? [] : this.held.shortcuts.filter((each) => each.type === type);
    const title = type === "message" ? "More actions" : "Shortcuts";
    return offered.length > 0 && h("select", { class: "plain", "aria-label": title, onchange: (event) => { const callback_id = event.target.value; event.target.value = ""; this.act("shortcut", { callback_id, ...where }); } },
      h("option", { value: "" }, title), offered.map((each) => h("option", { value: each.callback_id, title: each.description }, each.name)));
  }

  replyTo(thread) {
    person.thread = thread;
    this.redraw().then(() => document.getElementById("words")?.focus());
  }

  // -- speaking

  compose() {
    const { speakers } = this.channel;
    if (speakers.length === 0) return h("p", { class: "compose quiet" }, "Nobody but the app is in this channel.");
    const group = (title, wanted) => {
      const people = speakers.map((id) => this.people.get(id)).filter((each) => each.is_customer === wanted);
      return people.length > 0 && h("optgroup", { label: title }, people.map((each) => h("option", { value: each.id, selected: each.id === this.speaker }, each.name)));
    };
    const root = this.held.messages.find((each) => each.ts === person.thread);
    return h("form", { class: "compose", onsubmit: (event) => { event.preventDefault(); this.send(); } },
      h("div", { class: "who-speaks" },
        h("label", {}, "As ", h("select", { id: "speaker", "aria-label": "Speak as", onchange: (event) => { person.speakers[this.channel.id] = event.target.value; this.redraw(); } }, group("Customers", true), group("Team", false))),
        this.shortcuts("global", {}),
        root && h("span", { class: "chip thread" }, `in the thread of “${(root.text || "…").slice(0, 40)}” `, h("button", { type: "button", class: "plain", "aria-label": "Leave the thread", onclick: () => { person.thread = ""; this.redraw(); } }, "×"))),
      h("div", { class: "words" },
        h("textarea", { id: "words", rows: 2, "aria-label": "Message", placeholder: root ? "Reply, or type a /command" : `Message #${this.channel.name}, or type a /command`,
          oninput: (event) => { person.text = event.target.value; }, onkeydown: (event) => { if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); this.send(); } } }, person.text),
        h("button", { class: "go", disabled: person.busy }, "Send")),
      h("p", { class: "quiet told", role: "status" }, person.told || "Buttons are pressed as this person, too."));
  }

  async send() {
    const text = (document.getElementById("words")?.value ?? person.text).trim();
    if (!text || person.busy) return;
    const [command, ...rest] = text.split(" ");
    const where = { channel: this.channel.id };
    const thread = this.held.messages.some((each) => each.ts === person.thread) ? { thread_ts: person.thread } : {};
    const done = await (text.startsWith("/") ? this.act("command", { ...where, command, text: rest.join(" ") }) : this.act("message", { ...where, text, ...thread }));
    if (done) {
      person.text = "";
      const words = document.getElementById("words");
      if (words) words.value = "";
    }
  }

  async act(what, said) {
    Object.assign(person, { busy: true, told: "…" });
    let answer = null;
    try {
      answer = await ask(`/slack/api/_person/${what}`, "POST", { user: this.speaker, ...said });
      person.told = outcome(answer, UNHEARD);
    } catch (error) {
      person.told = error.message;
    }
    person.busy = false;
    await this.redraw();
    return answer;
  }

  // -- views

  view() {
    const view = this.held.views.filter((each) => each.user === this.speaker).at(-1);
    if (!view) return this.held.views.length > 0 && this.elsewhere();
    const fields = (person.fields[view.id] ??= {});
    const use = {
      names: this.names, people: this.held.users, errors: person.errors[view.id],
      press: (element, value) => this.act("click", { view: view.id, action_id: element.action_id, value }),
      fill: (block, element, value) => { fields[block.block_id] = value; },
      filled: (block) => fields[block.block_id],
    };
    return h("div", { class: "view-layer" }, h("form", { class: "view", role: "dialog", "aria-label": view.title.text, onsubmit: (event) => { event.preventDefault(); this.submit(view, fields); } },
      h("h2", {}, view.title.text), h("p", { class: "quiet" }, `Shown to ${this.name(view.user)}`),
      view.blocks.map((block) => drawBlock(block, use)),
      h("p", { class: "problem", role: "status" }, person.errors[view.id]?.[""] ?? ""),
      h("div", { class: "actions" },
        h("button", { type: "button", onclick: () => this.act("close", { view: view.id }) }, view.close?.text ?? "Close"),
        view.submit && h("button", { class: "go" }, view.submit.text))));
  }

  elsewhere() {
    const names = [...new Set(this.held.views.map((each) => this.name(each.user)))];
    return h("p", { class: "waiting quiet", role: "status" }, `A view is open for ${names.join(", ")}. Speak as them, in a channel where they are, to see it.`);
  }

  async submit(view, fields) {
    const answer = await this.act("submit", { view: view.id, values: fields });
    const silent = answer && !answer.response_action && !answer.problem; // the app said nothing in time
    person.errors[view.id] = answer ? answer.errors ?? (answer.problem || silent ? { "": answer.problem ?? person.told } : {}) : { "": person.told };
    await this.redraw();
    document.querySelector(".view .problem:not(:empty)")?.scrollIntoView({ block: "center" });
  }
}
