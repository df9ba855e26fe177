/*
 * Faults of links between nodes: one nftables table in the namespace through which every packet goes. A cut is silent, as on
 * a real network: packets vanish, no side is told, the kernels keep what was not acknowledged and send it again more and more
 * rarely. What a change affects begins and ends for all links in one step.
 */
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

const SETS = ["cut", "lossy", "torn"];

/** [from, to] of every node of one list (or a name) and every other node of the other list. */
const pairs = (from, to) => [from].flat().flatMap((a) => [to].flat().filter((b) => a !== b).map((b) => [a, b]));

/** The same and back; once each, though a node may be in both lists. */
function bothWays(some, others) {
    const all = [...pairs(some, others), ...pairs(others, some)];
    return [...new Map(all.map((pair) => [pair.join(), pair])).values()];
}

export class Cuts {
    /** The table. A torn link answers everything but the start of a connection with a reset. */
    static TABLE = `table inet fault {
${SETS.map((name) => `    set ${name} { type ipv4_addr . ipv4_addr; }\n`).join("")}
    counter met {}
    chain links {
        type filter hook forward priority 0;
        ip saddr . ip daddr @cut counter name met drop
        ip saddr . ip daddr @lossy numgen random mod 100 < 5 counter name met drop
        ip saddr . ip daddr @torn tcp flags & syn == 0 counter name met reject with tcp reset
    }
}
`;

    /** hub: path of the namespace; addresses: Map of node -> address. */
    constructor(hub, addresses) {
        this.hub = hub;
        this.addresses = addresses;
        this.used = false; // something was cut since heal()
    }

    /** Names of the nodes of a role. */
    nodes(role) {
        return [...this.addresses.keys()].filter((node) => node.startsWith(`${role}-`));
    }

    get all() {
        return [...this.addresses.keys()];
    }

    /** Nothing goes between these nodes (names or lists of names), in either direction. */
    async cut(some, others) {
        await this.#nft([this.#add("cut", bothWays(some, others))]);
    }

    /** What `from` sends to `to` is lost; the other direction works. */
    async cutOneWay(from, to) {
        await this.#nft([this.#add("cut", pairs(from, to))]);
    }

    /** 5 of 100 packets are lost, in both directions. */
    async lose(some, others) {
        await this.#nft([this.#add("lossy", bothWays(some, others))]);
    }

    /** The connections between these nodes are reset by whatever they send for ms; new ones can be made afterwards. */
    async tear(some, others, ms = 250) {
        const both = bothWays(some, others);
        await this.#nft([this.#add("torn", both)]);
        await sleep(ms);
        await this.#nft([this.#change("delete", "torn", both)]);
    }

    /** No fault any more. False when those since the last time met no packet: they proved nothing. */
    async heal() {
        const { used } = this;
        this.used = false;
        await this.#nft(SETS.map((set) => `flush set inet fault ${set}`));
        const answer = await this.#nft(["reset counter inet fault met"]);
        return !used || !/packets 0 /.test(answer);
    }

    #add(set, list) {
        this.used = true;
        return this.#change("add", set, list);
    }

    #change(what, set, list) {
        const address = (node) => {
            if (!this.addresses.has(node)) {
                throw new Error(`no node ${node} in this network; there are ${this.all.join(", ")}`);
            }
            return this.addresses.get(node);
        };
        return `${what} element inet fault ${set} { ${list.map(([a, b]) => `${address(a)} . ${address(b)}`).join(", ")} }`;
    }

    /** One transaction; what it printed. */
    #nft(commands) {
        return new Promise((resolve, reject) => {
            const nft = spawn("nsenter", [`--net=${this.hub}`, "nft", "-f", "-"], { stdio: "pipe" });
            let [answer, words] = ["", ""];
            nft.stdout.setEncoding("utf8").on("data", (more) => { answer += more; });
            nft.stderr.setEncoding("utf8").on("data", (more) => { words += more; });
            nft.on("error", reject).on("close", (code) => (code === 0 ? resolve(answer) : reject(new Error(`nft: ${words}`))));
            nft.stdin.end(commands.map((line) => `${line}\n`).join(""));
        });
    }
}
