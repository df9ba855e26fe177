// HTTP/1.1 on raw sockets (RFC 9110, RFC 9112), against the socketio profile: what is refused and how, framing, pipelining, and
// connections that go on or end. How slow a client may be is tested on virtual time, in tests/unit/gateway/test_http.c.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startConformance } from "./lib/conformance.mjs";
import { Socket } from "./lib/socket.mjs";

let server;
before(async () => { server = await startConformance("socketio"); });
after(() => server.stop());

/** A connection. `text` is what came and was not read yet, one character a byte. */
class Connection extends Socket {
    text = "";

    constructor() {
        super(server, (data) => { this.text += data.toString("latin1"); });
    }

    /** Reads answers to requests of these methods: [{status, fields, body}]. Throws for what RFC 9112 does not allow. */
    answers(...methods) {
        const found = [];
        let rest = this.text;
        for (const method of methods) {
            const match = /^HTTP\/1\.1 (\d{3}) [^\r\n]+\r\n((?:[^\r\n:]+: [^\r\n]*\r\n)*)\r\n/.exec(rest);
            if (!match) {
                return found;
            }
            const fields = Object.fromEntries(match[2].split("\r\n").filter(Boolean).map((line) => {
                const [name, ...value] = line.split(": ");
                return [name.toLowerCase(), value.join(": ")];
            }));
            assert.match(fields["content-length"], /^\d+$/);
            assert.ok(!Number.isNaN(Date.parse(fields.date)));
            const length = method === "HEAD" ? 0 : Number(fields["content-length"]);
            if (rest.length < match[0].length + length) {
                return found;
            }
            found.push({ status: Number(match[1]), fields, body: rest.slice(match[0].length, match[0].length + length) });
            rest = rest.slice(match[0].length + length);
        }
        assert.equal(rest, "", "more than was asked for");
        return found;
    }

    /** The answers to requests of these methods, when all have come. */
    async read(...methods) {
        await this.until(`${methods.length} answers`, () => this.answers(...methods).length === methods.length);
        const found = this.answers(...methods);
        this.text = "";
        return found;
    }

    /** Resolves when the server has closed TCP and nothing is left unread. */
    async end() {
        await this.closing();
        assert.equal(this.text, "");
    }

    /** The connection must still serve. */
    async good() {
        this.write(GET);
        assert.equal((await this.read("GET"))[0].status, 404);
        this.drop();
    }
}

const HOST = "Host: x\r\n";
const GET = `GET /none HTTP/1.1\r\n${HOST}\r\n`; // 404
const request = (fields, line = "GET /none HTTP/1.1") => `${line}\r\n${HOST}${fields}\r\n`;
const post = (fields, body = "") => request(fields, "POST /none HTTP/1.1") + body;

/** A test: these bytes get one answer with this status, and the connection ends; what follows is not heeded. */
function refused(what, status, bytes) {
    test(`${what}: ${status}`, async () => {
        for (const send of ["write", "dribble"]) {
            const connection = new Connection();
            await connection[send](bytes);
            if (!connection.ended) {
                connection.write(GET);
            }
            const [answer] = await connection.read("GET");
            assert.equal(answer.status, status, send);
            assert.equal(answer.fields.connection, "close");
            await connection.end();
        }
    });
}

/** A test: these bytes get answers with these statuses, and the connection goes on. */
function served(what, bytes, statuses = [404], methods = statuses.map(() => "GET")) {
    test(what, async () => {
        for (const send of ["write", "dribble"]) {
            const connection = new Connection();
            await connection[send](bytes);
            const answers = await connection.read(...methods);
            assert.deepEqual(answers.map((answer) => answer.status), statuses);
            assert.ok(answers.every((answer) => answer.fields.connection === undefined));
            await connection.good();
        }
    });
}

describe("lines", () => {
    served("CRLF before a request is skipped", `\r\n\r\n${GET}`);
    for (const [what, bytes] of [
        ["bare LF", "GET /none HTTP/1.1\nHost: x\n\n"], ["bare LF behind a field", "GET /none HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"],
        ["bare LF at the end", "GET /none HTTP/1.1\r\nHost: x\r\n\n"], ["bare CR", "GET /none HTTP/1.1\rHost: x\r\r"],
        ["bare CR in a value", request("A: b\rc\r\n")], ["LF CR", "GET /none HTTP/1.1\n\rHost: x\n\r\n\r"],
        ["LF before a request", `\n${GET}`],
        ["obs-fold", request("A: b\r\n c\r\n")], ["obs-fold by tab", request("A: b\r\n\tc\r\n")],
        ["white space before the first field", "GET /none HTTP/1.1\r\n Host: x\r\n\r\n"],
        ["an empty folded line", request("A: b\r\n \r\n")],
    ]) {
        refused(what, 400, bytes);
    }
});

describe("request lines", () => {
    for (const [what, line, status] of [
        ["two spaces before the target", "GET  /none HTTP/1.1", 400], ["two spaces behind it", "GET /none  HTTP/1.1", 400],
        ["a tab", "GET\t/none HTTP/1.1", 400], ["a space at the end", "GET /none HTTP/1.1 ", 400],
        ["no target", "GET HTTP/1.1", 400],
        ["no version", "GET /none", 400], ["a space in the target", "GET /no ne HTTP/1.1", 400],
        ["NUL in it", "GET /no\0ne HTTP/1.1", 400],
        ["a control character in it", "GET /no\x01ne HTTP/1.1", 400], ["a fragment", "GET /none#top HTTP/1.1", 400],
        ["no slash", "GET none HTTP/1.1", 400], ["the asterisk of OPTIONS", "GET * HTTP/1.1", 400],
        ["another scheme", "GET ftp://x/none HTTP/1.1", 400], ["user information", "GET http://u@x/none HTTP/1.1", 400],
        ["no authority", "GET http:///none HTTP/1.1", 400], ["a lower-case method", "get /none HTTP/1.1", 400],
        ["a mixed-case method", "Get /none HTTP/1.1", 501], ["an unknown method", "BREW /none HTTP/1.1", 501],
        ["no method", " /none HTTP/1.1", 400], ["a method that is no token", "G(T /none HTTP/1.1", 400],
        ["CONNECT", "CONNECT x:443 HTTP/1.1", 501], ["HTTP/1.2", "GET /none HTTP/1.2", 505],
        ["HTTP/2.0", "GET /none HTTP/2.0", 505],
        ["HTTP/0.9", "GET /none HTTP/0.9", 505], ["http/1.1", "GET /none http/1.1", 400], ["HTTP/1.10", "GET /none HTTP/1.10", 400],
        ["another protocol", "OPTIONS /none RTSP/1.0", 400],
    ]) {
        refused(what, status, request("", line));
    }
    served("absolute form", request("", "GET http://y:80/none HTTP/1.1"));
    served("absolute form without a path", request("", "GET HTTP://x HTTP/1.1"));
    served("absolute form with a query only", request("", "GET http://x?/socket.io/ HTTP/1.1"));
    served("OPTIONS *", request("", "OPTIONS * HTTP/1.1"), [404]);
    for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"]) {
        served(method, request("", `${method} /none HTTP/1.1`), [404], [method]);
    }
});

describe("fields", () => {
    for (const [what, fields] of [
        ["a space before the colon", "A : b"], ["a tab before the colon", "A\t: b"], ["no name", ": b"], ["no colon", "A"],
        ["a space in a name", "A b: c"], ["a name that is no token", "A[]: b"], ["NUL in a name", "A\0: b"],
        ["NUL in a value", "A: b\0c"],
        ["a control character in a value", "A: b\x01c"], ["DEL in a value", "A: b\x7fc"],
        ["a vertical tab in a value", "A: b\x0bc"],
        ["a letter beyond ASCII in a name", "\xf1: b"], ["a second Host", "Host: x"], ["another Host", "hOST: y"],
    ]) {
        refused(what, 400, request(`${fields}\r\n`));
    }
    for (const [what, line] of [["no Host", ""], ["Host with a space before its colon", "Host : x\r\n"],
        ["two names in Host", "Host: x y\r\n"],
        ["a path in Host", "Host: x/y\r\n"], ["user information in Host", "Host: u@x\r\n"]]) {
        refused(what, 400, `GET /none HTTP/1.1\r\n${line}\r\n`);
    }
    served("an empty Host, empty values, white space around values, and obs-text are fine",
        "GET /none HTTP/1.1\r\nHost:\r\nA:\r\nB: \t b \t\r\nC: \xf1\r\n\r\n");
    served("100 of them", request("A: b\r\n".repeat(99)));
    refused("101 of them", 431, request("A: b\r\n".repeat(100)));

    const head = (size) => request(`A: ${"x".repeat(size - request("A: \r\n").length)}\r\n`);
    test("16 KiB of head are taken, one byte more is not: 431", async () => {
        const connection = new Connection();
        connection.write(head(16384));
        assert.equal((await connection.read("GET"))[0].status, 404);
        connection.write(head(16385));
        assert.equal((await connection.read("GET"))[0].status, 431);
        await connection.end();
    });
    test("a request line without an end: 431", async () => {
        const connection = new Connection();
        connection.write(`GET /${"x".repeat(20000)}`);
        assert.equal((await connection.read("GET"))[0].status, 431);
        await connection.end();
    });
    test("empty lines without an end: 431", async () => {
        const connection = new Connection();
        connection.write("\r\n".repeat(10000));
        assert.equal((await connection.read("GET"))[0].status, 431);
        await connection.end();
    });
});

describe("framing", () => {
    for (const value of ["-1", "+5", "0x10", "1e3", "5 5", "5,5", "5, 6", "5;", "\"5\"", "", "five", "5.0", "18446744073709551616",
        "9".repeat(400)]) {
        refused(`Content-Length: ${value.slice(0, 24)}`, 400, post(`Content-Length: ${value}\r\n`, "hello"));
    }
    for (const value of ["1000000000000", "18446744073709551615"]) {
        refused(`Content-Length: ${value}`, 413, post(`Content-Length: ${value}\r\n`, "hello"));
    }
    for (const [what, fields, status] of [
        ["two Content-Lengths", "Content-Length: 5\r\nContent-Length: 6\r\n", 400],
        ["two equal Content-Lengths", "Content-Length: 5\r\nContent-Length: 5\r\n", 400],
        ["Content-Length and chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400],
        ["chunked and Content-Length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400],
        ["identity and Content-Length", "Transfer-Encoding: identity\r\nContent-Length: 5\r\n", 400],
        ["chunked", "Transfer-Encoding: chunked\r\n", 411], ["gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", 411],
        ["chunked, gzip", "Transfer-Encoding: chunked, gzip\r\n", 400], ["xchunked", "Transfer-Encoding: xchunked\r\n", 400],
        ["chunked with a space before the colon", "Transfer-Encoding : chunked\r\n", 400],
        ["chunked on a folded line", "Transfer-Encoding:\r\n chunked\r\n", 400],
        ["chunked behind a vertical tab", "Transfer-Encoding: \x0bchunked\r\n", 400],
    ]) {
        refused(what, status, post(fields, "0\r\n\r\n"));
    }
    served("Content-Length: 00005, with white space", post("Content-Length: \t00005 \r\n", "hello"));
    served("a body is no request", post("Content-Length: 40\r\n", GET.padEnd(40, "\r\n")) + GET, [404, 404]);
    served("a GET may have a body", request("Content-Length: 5\r\n") + "hello" + GET, [404, 404]);
});

describe("expectations", () => {
    for (const value of ["", "magic", "100-continue, magic", "200-ok"]) {
        refused(`Expect: ${value}`, 417, post(`Expect: ${value}\r\nContent-Length: 5\r\n`));
    }
    test("100-continue: a final status when nobody wants the body", async () => {
        const connection = new Connection();
        connection.write(post("Expect: 100-continue\r\nContent-Length: 5\r\n"));
        assert.equal((await connection.read("POST"))[0].status, 404);
        connection.drop();
    });
    test("HTTP/1.0 has none", async () => {
        const connection = new Connection();
        connection.write("POST /none HTTP/1.0\r\nExpect: magic\r\nContent-Length: 5\r\n\r\nhello");
        assert.equal((await connection.read("POST"))[0].status, 404);
        await connection.end();
    });
});

describe("connections", () => {
    for (const [what, bytes] of [
        ["Connection: close", request("Connection: close\r\n")], ["close among others", request("Connection: a, CLOSE ,b\r\n")],
        ["close in a second field", request("Connection: keep-alive\r\nConnection: close\r\n")],
        ["HTTP/1.0", "GET /none HTTP/1.0\r\n\r\n"],
        ["HTTP/1.0 that wants both", "GET /none HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"],
    ]) {
        refused(what, 404, bytes);
    }
    served("Connection: not close", request("Connection: not close\r\n"));
    test("HTTP/1.0 with keep-alive goes on, and says so", async () => {
        const connection = new Connection();
        connection.write("GET /none HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
        assert.equal((await connection.read("GET"))[0].fields.connection, "keep-alive");
        await connection.good();
    });
    test("HEAD gets the fields of GET and no body", async () => {
        const connection = new Connection();
        connection.write(GET + request("", "HEAD /none HTTP/1.1"));
        const [get, head] = await connection.read("GET", "HEAD");
        assert.deepEqual({ ...head.fields, date: "" }, { ...get.fields, date: "" });
        assert.equal(head.status, get.status);
        await connection.good();
    });

    const various = [[GET, 404, /^Not Found/], [request("", "GET /socket.io/?EIO=4 HTTP/1.1"), 400, /"code":0/],
        [request("", "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1"), 400, /"code":3/],
        [post("Content-Length: 5\r\n", "hello"), 404, /^Not/]];
    test("pipelined requests are answered in their order", async () => {
        const connection = new Connection();
        const plan = Array.from({ length: 1000 }, (_, n) => various[(n * n + n) / 2 % various.length]);
        connection.write(plan.map(([bytes]) => bytes).join(""));
        const answers = await connection.read(...plan.map(() => "GET"));
        answers.forEach(({ status, body }, n) => {
            assert.equal(status, plan[n][1]);
            assert.match(body, plan[n][2]);
        });
        await connection.good();
    });
    test("pipelined requests behind a close are not answered", async () => {
        const connection = new Connection();
        connection.write(GET + request("Connection: close\r\n") + GET);
        await connection.read("GET", "GET");
        await connection.end();
    });
    test("a client that ends its side gets all its answers", async () => {
        const connection = new Connection();
        connection.socket.end(GET.repeat(20));
        await connection.read(...Array(20).fill("GET"));
        await connection.end();
    });
    for (const [what, bytes] of [["nothing", ""], ["half a request line", "GET /no"],
        ["half a head", "GET /none HTTP/1.1\r\nHost: x\r\nA"]]) {
        test(`a client that ends its side after ${what} gets no answer`, async () => {
            const connection = new Connection();
            connection.socket.end(bytes);
            await connection.end();
        });
    }
    test("200 unfinished heads do not hinder others", async () => {
        const slow = Array.from({ length: 200 }, () => new Connection());
        slow.forEach((connection) => connection.write("GET /none HTTP/1.1\r\nHost: x\r\nA"));
        await new Connection().good();
        slow.forEach((connection) => connection.write(": b\r\n\r\n"));
        for (const connection of slow) {
            assert.equal((await connection.read("GET"))[0].status, 404);
            connection.drop();
        }
    });
});

describe("what is no HTTP/1", () => {
    refused("a TLS client hello", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    refused("HTTP/2 with prior knowledge", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    refused("HTTP/0.9", 400, "GET /none\r\n\r\n");
    refused("SSH", 400, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
    refused("a WebSocket frame", 400, "\x81\x85\x01\x02\x03\x04hello");
    refused("zeros", 400, "\0\0\0\0");
    refused("text", 400, "hello?\r\n\r\n");
    test("any first byte but a capital letter or CR is refused at once", async () => {
        for (let byte = 0; byte < 256; byte++) {
            if (byte !== 13 && (byte < 65 || byte > 90)) {
                const connection = new Connection();
                connection.write(String.fromCharCode(byte));
                assert.equal((await connection.read("GET"))[0].status, 400);
                await connection.end();
            }
        }
    });
});
