// What is stored of each user's numbered messages (load.mjs), read as any admin would: over HTTP, from a gateway.
import { httpGet } from "../../integration/lib/client.mjs";
import { waitFor } from "../../integration/lib/wait.mjs";

const PAGE = 256; // messages, the most that a page may hold
const AT_ONCE = 8; // requests to a gateway

/** The first answer that is not 503: a gateway may not have found a persister again that has just been started. */
async function answer(url, cookie) {
    let last;
    await waitFor(`a persister for ${url}`, async () => (last = await httpGet(url, cookie)).status !== 503);
    return last;
}

/** The numbers of a user's messages from `first` on, as often as they are stored; older ones may be among them. */
async function readUser(url, cookie, user, first) {
    const numbers = [];
    for (let before = ""; ;) {
        const path = `/api/mensajes?con=${user}&limit=${PAGE}${before && `&before=${before}`}`;
        const { status, json, text, headers } = await answer(url + path, cookie);
        if (status !== 200) {
            throw new Error(`${url}${path} answered ${status}: ${text}`);
        }
        numbers.push(...json.filter(({ de_usuario: de }) => de === user).map(({ mensaje }) => mensaje.n));
        before = headers["x-next-before"];
        // Copies of one message are pages apart only if something is badly wrong, hence one page more than needed.
        if (!before || Math.max(...json.map(({ mensaje }) => mensaje.n)) < first) {
            return numbers;
        }
    }
}

/** For judge(): what each of these gateways [{name, url}] answers about the users of this record's phase. cookie: an admin's. */
export function readStores(gateways, record, cookie) {
    const first = new Map();
    for (const { from, n, sent } of record.messages) {
        if (sent >= record.since && !first.has(from)) {
            first.set(from, n);
        }
    }
    return Promise.all(gateways.map(async ({ name, url }) => {
        const rows = new Map();
        const users = [...first];
        const readSome = async () => {
            for (let next = users.pop(); next; next = users.pop()) {
                rows.set(next[0], await readUser(url, cookie, ...next));
            }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, readSome));
        return { name: `history of ${name}`, rows };
    }));
}
