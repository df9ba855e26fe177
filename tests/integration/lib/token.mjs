// JSON Web Tokens made by hand, so that tests can make wrong ones too.
import { createHmac } from "node:crypto";

export const base64url = (data) => Buffer.from(data).toString("base64url");

/**
 * An HS256 token. claims are taken as they are; without `exp` it never expires. header and sign can be replaced:
 * sign(text, secret) returns the signature as a Buffer.
 */
export function makeToken(claims, secret, header = { alg: "HS256", typ: "JWT" }, sign = hs256) {
    const text = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
    return `${text}.${base64url(sign(text, secret))}`;
}

export function hs256(text, secret) {
    return createHmac("sha256", secret).update(text).digest();
}

export const now = () => Math.floor(Date.now() / 1000);
