// Mail, calendars, tickets, text messages, calls and webhooks: what the services hold, read as it is.
import { ask, day, h, time, views } from "./dom.js";

const held = (service) => ask(`/console/state/${service}`);
const moment = (at) => (at ? `${day(at)}, ${time(at)}` : "");
const newest = (list, at) => [...list].sort((one, other) => String(at(other)).localeCompare(String(at(one))));
const nothing = (text) => [h("p", { class: "nothing" }, text)];

function card(head, ...content) {
  return h("article", { class: "said" }, h("header", {}, head), content);
}

const line = (name, value) => value && h("div", {}, h("span", { class: "quiet" }, `${name} `), value);

// -- Google

const KINDS = { DRAFT: "draft", SENT: "sent", INBOX: "received" };

export async function google([view = "mail"]) {
  const { mailboxes, events } = await held("google");
  const head = h("div", { class: "tools" }, views("google", [["mail", "Mail"], ["calendar", "Calendar"]], view));
  if (view === "calendar") return [head, ...calendar(events)];
  const mails = mailboxes.flatMap((mailbox) => mailbox.messages.map((each) => ({ ...each, mailbox: mailbox.address })));
  if (mails.length === 0) return [head, ...nothing(`No mail yet in ${mailboxes.length} mailboxes.`)];
  return [head, h("div", { class: "page" }, mails.reverse().map(mail))];
}

const when = ({ date, dateTime }) => (date ? `${day(date)}, all day` : `${moment(dateTime)} UTC`);

function calendar(events) {
  if (events.length === 0) return nothing("No event yet in anybody's calendar.");
  return [h("div", { class: "page" }, newest(events, (each) => each.created).map(event))];
}

function event(each) {
  const chip = h("span", { class: each.status === "cancelled" ? "chip bad" : "chip private" }, each.recurrence ? "repeats" : each.status);
  return card([h("strong", {}, h("a", { href: each.htmlLink }, each.summary || "(no title)")), " ", chip, h("span", { class: "quiet" }, ` of ${each.organizer.email}`)],
    h("div", { class: "lines" },
      line("From", when(each.start)), line("To", when(each.end)), line("Repeats", each.recurrence?.join(" ")), line("Place", each.location),
      line("Guests", each.attendees?.map((guest) => `${guest.email} (${guest.responseStatus})`).join(", "))),
    each.description && h("pre", {}, each.description));
}

function mail(each) {
  const header = new Map(Object.entries(each.headers).map(([name, value]) => [name.toLowerCase(), value]));
  const kind = Object.keys(KINDS).find((label) => each.labelIds.includes(label));
  return card([h("strong", {}, header.get("subject") || "(no subject)"), " ", h("span", { class: kind === "DRAFT" ? "chip public" : "chip private" }, KINDS[kind] ?? "mail"), h("span", { class: "quiet" }, ` in ${each.mailbox}`)],
    h("div", { class: "lines" }, ["From", "To", "Cc", "Bcc", "Reply-To", "Date"].map((name) => line(name, header.get(name.toLowerCase())))),
    h("pre", {}, each.text || "(no text)"));
}

// -- Unthread

export async function unthread() {
  const { conversations, customers, users } = await held("unthread");
  const names = new Map([...(customers ?? []), ...(users ?? [])].map((each) => [each.id, each.name]));
  if (conversations.length === 0) return nothing("No tickets yet.");
  return [h("div", { class: "page" }, newest(conversations, (each) => each.createdAt).map((each) => ticket(each, names)))];
}

function ticket(each, names) {
  const about = [names.get(each.customerId), each.assignedToUserId && `assigned to ${names.get(each.assignedToUserId) ?? each.assignedToUserId}`, moment(each.createdAt)].filter(Boolean);
  return card([h("strong", {}, each.title || "(no title)"), each.friendlyId && h("span", { class: "quiet" }, ` #${each.friendlyId}`), " ", h("span", { class: each.status === "closed" ? "chip" : "chip private" }, String(each.status).replace("_", " ")), h("span", { class: "quiet" }, ` ${about.join(", ")}`)],
    (each.messages ?? []).map((message) => h("div", { class: message.isPrivateNote ? "line note" : "line" },
      h("div", { class: "quiet" }, message.isPrivateNote && h("span", { class: "chip public" }, "private note"), " ", message.onBehalfOf?.name ?? names.get(message.userId) ?? message.userId ?? message.botId ?? "", ` ${moment(message.timestamp)}`),
      h("pre", {}, message.text ?? message.markdown ?? ""))));
}

// -- Twilio

export async function twilio() {
  const { messages, opted_out: stopped = [], alerts = [] } = await held("twilio");
  const notes = [...stopped.map((each) => `${each.person} has said STOP to ${each.number}.`), ...alerts.map((each) => `Alert ${each.code}: ${each.message}`)];
  if (messages.length + notes.length === 0) return nothing("No text message yet.");
  return [h("div", { class: "page" }, notes.map((text) => h("p", { class: "problem" }, text)), [...messages].reverse().map(text))];
}

function text(each) {
  const good = ["delivered", "received", "sent", "queued", "accepted", "sending"].includes(each.status);
  const isInbound = each.direction === "inbound";
  return card([h("strong", {}, isInbound ? `${each.from} → us` : `us → ${each.to}`), " ", h("span", { class: `chip ${good ? "private" : "bad"}` }, each.status), h("span", { class: "quiet" }, ` ${moment(each.date_created)}`), each.error_code && h("span", { class: "chip bad" }, `error ${each.error_code}`)],
    h("pre", {}, each.body));
}

// -- Zoom

export async function zoom() {
  const { meetings, users } = await held("zoom");
  if (meetings.length === 0) return nothing(`No meeting yet of ${users.length} users.`);
  return [h("div", { class: "page" }, [...meetings].reverse().map(meeting))];
}

function meeting(each) {
  const invited = each.settings.meeting_invitees.map((guest) => guest.email).join(", ");
  return card([h("strong", {}, h("a", { href: each.join_url }, each.topic)), h("span", { class: "quiet" }, ` ${each.id}, hosted by ${each.host_email}`)],
    h("div", { class: "lines" }, line("At", `${moment(each.start_time)} UTC, ${each.duration} minutes`), line("Invited", invited)),
    h("pre", {}, each.agenda || "(no agenda)"));
}

// -- Webhooks

export async function webhooks() {
  const { network, all, deliveries } = await ask("/console/webhooks");
  const ways = [network.lose && `${network.lose * 100} % get lost`, network.double && `${network.double * 100} % come twice`, network.delay[1] && `${network.delay[0]} to ${network.delay[1]} s late`].filter(Boolean);
  const head = h("p", { class: "tools quiet" }, network.gateway ? `${all} sent to ${network.gateway}${ways.length > 0 ? `; ${ways.join(", ")}` : ""}.` : "There is no gateway, so nothing is sent. Start the sandbox with --gateway http://127.0.0.1:4400.");
  if (deliveries.length === 0) return [head];
  const titles = ["Number", "What", "To", "Attempts"];
  return [head, h("div", { class: "wide" }, h("table", {}, h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title)))), h("tbody", {}, deliveries.map(delivery))))];
}

function delivery(each) {
  const last = each.attempts.at(-1);
  return h("tr", {},
    h("td", { class: "number" }, String(each.number)),
    h("td", {}, h("span", { class: `who ${each.service}` }, each.kind), h("div", { class: "quiet" }, last ? moment(last.at) : "under way")),
    h("td", { class: "tight" }, h("code", {}, each.path.split("?")[0])),
    h("td", {}, h("div", { class: "labels" }, each.attempts.map(attempt), each.attempts.length === 0 && h("span", { class: "chip" }, "…"))));
}

function attempt({ status, error, milliseconds }) {
  const good = status >= 200 && status < 300;
  return h("span", { class: `chip ${good ? "private" : "bad"}` }, `${status ?? error} in ${milliseconds} ms`);
}
