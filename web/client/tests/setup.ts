/** A server, a browser and a storage for each test of a file. */

import { afterEach, beforeEach } from "node:test";
import type { Room } from "../src/index.js";
import { FakeBrowser, FakeServer, MemoryStorage } from "./fake-server.js";

export let server: FakeServer;
export let browser: FakeBrowser;
export let storage: MemoryStorage;
/** The rooms to leave after the test. */
export let rooms: Room[];

/** Begin each test of this file with new ones. */
export function useFakes(): void {
  beforeEach(() => {
    server = new FakeServer();
    browser = new FakeBrowser();
    browser.install();
    storage = new MemoryStorage();
    rooms = [];
  });
  afterEach(() => {
    for (const room of rooms) room.leave();
    browser.uninstall();
  });
}
