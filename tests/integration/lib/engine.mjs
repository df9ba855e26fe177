// Engine.IO by hand, request by request, so that a test decides which gateway gets what.
import assert from "node:assert/strict";
import http from "node:http";
import WebSocket from "ws";
import { within } from "./wait.mjs";

/** A request of Engine.IO: {status, text}. */
export function ask(url, query, { method = "GET", body, cookie } = {}) {
    return within(`${method} ${query}`, new Promise((resolve, reject) => {
        const headers = { ...(cookie && { cookie }), ...(body !== undefined && { "content-length": Buffer.byteLength(body) }) };
        const request = http.request(`${url}/socket.io/?EIO=4&${query}`, { method, agent: false, headers }, (answer) => {
            let text = "";
            answer.setEncoding("utf8").on("data", (more) => { text += more; }).on("error", reject)
                .on("end", () => resolve({ status: answer.statusCode, text }));
        });
        request.on("error", reject);
        request.end(body);
    }));
}

/** A connected session on long-polling: its id. Its requests go to these URLs in turn. */
export async function pollingSession(urls, cookie) {
    const opened = await ask(urls[0], "transport=polling", { cookie });
    const { sid } = JSON.parse(opened.text.slice(1));
    const query = `transport=polling&sid=${sid}`;
    assert.deepEqual(await ask(urls[1 % urls.length], query, { method: "POST", body: "40" }), { status: 200, text: "ok" });
    assert.match((await ask(urls[2 % urls.length], query)).text, /^40\{"sid":"/);
    return sid;
}

/** Goes on with a session on a WebSocket at this URL. */
export async function upgrade(url, sid) {
    const socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket&sid=${sid}`);
    const next = () => within("a message", new Promise((resolve, reject) => {
        socket.once("message", (data) => resolve(data.toString()));
        socket.once("error", reject);
        socket.once("close", () => reject(new Error("closed")));
    }));
    await within("open", new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject)));
    socket.send("2probe");
    assert.equal(await next(), "3probe");
    socket.send("5");
    return { socket, next };
}
