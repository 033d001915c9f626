// @ts-check
// Asks for a page many times: node http-load.mjs URL REQUESTS CONCURRENCY. Every answer must have status 200; prints one
// line of JSON with the number of answers of each content, by SHA-256. Ends with 1 when a request fails.
import { createHash } from "node:crypto";
import http from "node:http";

const [url = "", requests = "1", concurrency = "1"] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: false });
/** @type {Record<string, number>} */
const answers = {};
let left = Number(requests);

/** @returns {Promise<string>} */
function ask() {
  return new Promise((done, failed) => {
    const request = http.get(url, { agent, timeout: 20_000 }, (response) => {
      const hash = createHash("sha256");
      response.on("data", (part) => hash.update(part));
      response.on("error", failed);
      response.on("end", () => {
        if (response.statusCode === 200 && response.complete) done(hash.digest("hex"));
        else failed(new Error(`status ${response.statusCode}, ${response.complete ? "complete" : "cut off"}`));
      });
    });
    request.on("timeout", () => request.destroy(new Error("no answer in 20 s")));
    request.on("error", failed);
  });
}

async function worker() {
  while (left > 0) {
    left--;
    const digest = await ask();
    answers[digest] = (answers[digest] ?? 0) + 1;
  }
}

try {
  await Promise.all(Array.from({ length: Number(concurrency) }, worker));
  console.log(JSON.stringify(answers));
} catch (error) {
  console.error(`http-load: ${url}: ${/** @type {Error} */ (error).message}, with ${left} requests left`);
  process.exit(1);
}
