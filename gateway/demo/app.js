"use strict";
// The demo page. Everything that came from somebody is shown as text, never as HTML.
//
// A cookie belongs to a host, not to a window. So that two windows can be two people, this window's socket has a path of its
// own with a cookie of its own (the server sets both tokens, see demo.h), and history is asked for right after the token was,
// one window at a time.

const $ = (id) => document.getElementById(id);
const SUPPORT = "admin"; // where users write to: every admin sees it
const PAGE = 50;         // messages of a page of history
const windowId = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");

let me = null;     // {user, rol, node, path}
let socket = null;
let shown = null;  // admins: whose conversation is on screen
let before = null; // where the next older page begins; null: there is none
const people = new Map(); // admins: name -> messages not yet looked at

// ---- asking the server ----

async function json(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Error(body.error || `The server answered ${response.status}`);
  }
  return body;
}

async function takeToken(user, rol) {
  const query = new URLSearchParams({ user, rol, window: windowId });
  return json(await fetch(`/demo/token?${query}`, { method: "POST" }));
}

// The cookie of /api is shared by all windows of this host: take ours, and ask before another window takes its own.
function ask(path) {
  return navigator.locks.request("roomcast-demo-api", async () => {
    await takeToken(me.user, me.rol);
    const response = await fetch(path);
    return { rows: await json(response), before: response.headers.get("X-Next-Before") };
  });
}

// ---- showing ----

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function colour(name) {
  let hash = 0;
  for (const c of name) {
    hash = (hash * 31 + c.codePointAt(0)) % 360;
  }
  return `hsl(${hash} 55% 36%)`;
}

function paintAvatar(span, name) {
  span.textContent = [...name][0].toUpperCase();
  span.style.backgroundColor = colour(name);
}

function setState(state, text) {
  $("state").dataset.state = state;
  $("state").textContent = text;
}

function note(text) {
  $("note").textContent = text;
  $("note").hidden = !text;
}

function asText(mensaje) {
  if (typeof mensaje === "string") {
    return mensaje;
  }
  if (mensaje instanceof ArrayBuffer) {
    return `(${mensaje.byteLength} bytes)`;
  }
  return mensaje === undefined ? "(nothing)" : JSON.stringify(mensaje);
}

// One message; para is not known for live ones, since the server does not say it.
function messageItem({ de, para, mensaje, fecha }) {
  const item = element("li", de === me.user ? "mine" : "", "");
  const who = element("p", "who", "");
  const time = element("time", "", new Date(fecha).toLocaleString());
  time.dateTime = new Date(fecha).toISOString();
  who.append(element("b", "", de), para ? ` to ${para} · ` : " · ", time);
  item.append(who, element("p", "what", asText(mensaje)));
  return item;
}

function append(message) {
  const item = messageItem(message);
  $("log").append(item);
  $("empty").hidden = true;
  item.scrollIntoView({ block: "end" });
  return item;
}

function showPeople() {
  const items = [...people].map(([name, unread]) => {
    const item = document.createElement("li");
    const button = element("button", "", "");
    const avatar = element("span", "avatar", "");
    button.type = "button";
    paintAvatar(avatar, name);
    avatar.ariaHidden = "true";
    button.append(avatar, name);
    if (unread) {
      const count = element("span", "unread", unread);
      count.ariaLabel = `${unread} new`;
      button.append(" ", count);
    }
    button.setAttribute("aria-current", String(name === shown));
    button.addEventListener("click", () => show(name));
    item.append(button);
    return item;
  });
  $("people").replaceChildren(...items);
  $("nobody").hidden = items.length > 0;
}

// ---- history ----

function historyPath() {
  const query = new URLSearchParams({ limit: PAGE });
  if (me.rol === "admin") {
    query.set("con", shown);
  }
  if (before) {
    query.set("before", before);
  }
  return `/api/mensajes${me.rol === "admin" ? "" : "/mios"}?${query}`;
}

// Puts the next older page above what is there.
async function loadPage() {
  const wanted = shown;
  $("older").disabled = true;
  try {
    const page = await ask(historyPath());
    if (!me || wanted !== shown) {
      return; // the person left or looks at somebody else by now
    }
    const items = page.rows.map((row) =>
      messageItem({ de: row.de_usuario, para: row.para_usuario, mensaje: row.mensaje, fecha: row.fecha }));
    $("log").prepend(...items);
    before = page.before;
    $("older").hidden = !before;
    $("empty").hidden = $("log").childElementCount > 0;
  } catch (error) {
    note(`History: ${error.message}`);
  } finally {
    $("older").disabled = false;
  }
}

async function showHistory(title, empty) {
  $("title").textContent = title;
  $("empty").textContent = empty;
  $("empty").hidden = false;
  $("older").hidden = true;
  $("log").replaceChildren();
  before = null;
  note("");
  await loadPage();
  $("log").lastElementChild?.scrollIntoView({ block: "end" });
}

async function show(name) {
  shown = name;
  people.set(name, 0);
  $("para").value = name;
  showPeople();
  await showHistory(`Conversation with ${name}`, "No messages with this person yet.");
  $("text").focus();
}

async function loadPeople() {
  try {
    const { rows } = await ask("/api/usuarios-conversaciones");
    for (const name of rows) {
      people.set(name, people.get(name) || 0);
    }
    showPeople();
  } catch (error) {
    note(`Conversations: ${error.message}`);
  }
}

// ---- live ----

function onMessage({ de, mensaje }) {
  const message = { de, mensaje, fecha: Date.now() };
  if (me.rol !== "admin" || de === shown) {
    append(message);
    return;
  }
  people.set(de, (people.get(de) || 0) + 1);
  showPeople();
}

function send(para, mensaje) {
  const item = append({ de: me.user, para, mensaje, fecha: Date.now() });
  const fate = element("span", "fate", " · sending");
  item.firstElementChild.append(fate);
  socket.timeout(35000).emit("mensaje_privado", { para, mensaje }, (late, answer) => {
    const wrong = late ? "no answer; it may not have arrived" : answer.error;
    fate.textContent = wrong ? ` · ${wrong}` : " · stored ✓";
    fate.classList.toggle("failed", Boolean(wrong));
  });
}

// The server refused or ended the socket: its token is over. Take a new one and come again.
async function renew() {
  const mine = socket;
  setState("wait", "Reconnecting…");
  try {
    await takeToken(me.user, me.rol);
    mine.connect();
  } catch (error) {
    if (mine === socket) {
      setTimeout(() => mine === socket && renew(), 2000);
    }
  }
}

function openSocket() {
  socket = io({ path: me.path, transports: ["websocket"], reconnectionDelayMax: 2000 });
  socket.on("connect", () => setState("on", "Connected"));
  socket.on("disconnect", (reason) => {
    if (reason === "io server disconnect") {
      renew();
    } else if (reason !== "io client disconnect") {
      setState("wait", "Reconnecting…");
    }
  });
  socket.on("connect_error", (error) => {
    if (socket.active) { // the gateway is not there; the client tries again by itself
      setState("off", "Gateway not reachable, trying again…");
    } else {
      setState("off", `Refused: ${error.message}`);
      setTimeout(renew, 1000);
    }
  });
  socket.on("mensaje_recibido", onMessage);
}

// ---- entering and leaving ----

async function enter(user, rol) {
  setState("wait", "Connecting…");
  me = await takeToken(user, rol);
  sessionStorage.setItem("roomcast-demo", JSON.stringify({ user, rol }));
  document.title = `${user} · Roomcast demo`;
  paintAvatar($("avatar"), user);
  $("me-name").textContent = user;
  $("me-rol").textContent = rol;
  $("node").textContent = me.node;
  $("me").hidden = $("chat").hidden = false;
  $("entrance").hidden = true;
  $("people-side").hidden = rol !== "admin";
  $("para").value = rol === "admin" ? "" : SUPPORT;
  openSocket();
  if (rol === "admin") {
    $("title").textContent = "Choose a conversation";
    $("empty").textContent = "Pick somebody on the left, or write to a name below.";
    await loadPeople();
  } else {
    await showHistory("Your messages", `Nothing yet. Write to ${SUPPORT}: every admin sees it.`);
  }
}

function leave() {
  socket.disconnect();
  sessionStorage.removeItem("roomcast-demo");
  location.replace("/demo");
}

$("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  $("enter-error").hidden = true;
  try {
    await enter(form.get("name").trim(), form.get("rol"));
  } catch (error) {
    setState("out", "Not connected");
    $("enter-error").textContent = error.message;
    $("enter-error").hidden = false;
  }
});

$("compose").addEventListener("submit", async (event) => {
  event.preventDefault();
  const para = $("para").value;
  const text = $("text").value;
  $("text").value = "";
  if (me.rol === "admin" && para !== shown) {
    await show(para);
  }
  send(para, text);
});

$("older").addEventListener("click", loadPage);
$("refresh").addEventListener("click", loadPeople);
$("leave").addEventListener("click", leave);

// A window keeps its person over a reload; /demo?user=ana&rol=admin names one.
{
  const query = new URLSearchParams(location.search);
  const kept = JSON.parse(sessionStorage.getItem("roomcast-demo") || "null");
  const person = query.has("user") ? { user: query.get("user"), rol: query.get("rol") } : kept;
  if (person) {
    $("name").value = person.user;
    document.querySelector(`input[value="${person.rol === "admin" ? "admin" : "user"}"]`).checked = true;
  }
  if (typeof io !== "function") {
    $("enter-error").textContent = "The client script is missing: run deploy/install-deps, then restart the gateway.";
    $("enter-error").hidden = false;
    $("enter").querySelector("button").disabled = true;
  } else if (kept && !query.has("user")) {
    $("enter").requestSubmit();
  }
}
