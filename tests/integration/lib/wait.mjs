// Waiting for conditions: tests never sleep for luck.
import { setTimeout as sleep } from "node:timers/promises";

/** How much slower than a release build the programs under test are: 5 under sanitizers, as times.scale is 500 there. */
export const SCALE = Number(process.env.ROOMCAST_TEST_SCALE || 100) / 100;

/**
 * Calls condition, which may be async, until its result is truthy, and returns that. What it throws counts as false and is
 * told at the end. seconds are scaled.
 */
export async function waitFor(what, condition, seconds = 10) {
    const end = Date.now() + seconds * 1000 * SCALE;
    for (let last = ""; ;) {
        try {
            const value = await condition();
            if (value) {
                return value;
            }
        } catch (error) {
            last = `; the last try ended with ${error.message}`;
        }
        if (Date.now() > end) {
            throw new Error(`waited ${seconds * SCALE} s in vain: ${what}${last}`);
        }
        await sleep(20);
    }
}

/** The promise's result, or an error that says what did not happen in time. seconds are scaled. */
export async function within(what, promise, seconds = 10) {
    const late = new AbortController();
    const timeout = sleep(seconds * 1000 * SCALE, undefined, { signal: late.signal }).then(() => {
        throw new Error(`waited ${seconds * SCALE} s in vain: ${what}`);
    });
    timeout.catch(() => {});
    try {
        return await Promise.race([promise, timeout]);
    } finally {
        late.abort();
    }
}

/**
 * For the absence of a message: something sent after it, to the same receiver by the same sender, must arrive first; there is
 * nothing to wait for where no order is promised, so this lets `seconds` (scaled) pass and then checks.
 */
export async function stays(what, condition, seconds = 0.3) {
    for (const end = Date.now() + seconds * 1000 * SCALE; Date.now() < end; await sleep(20)) {
        if (!await condition()) {
            throw new Error(`did not stay so: ${what}`);
        }
    }
}
