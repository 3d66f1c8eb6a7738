/** The dialogues that few visitors of a room open. They are a file of their own, which is loaded with the first of them. */

export * as cleanup from "./cleanup-view.js";
export * as invite from "./invite-view.js";
export * as ownerView from "./owner-view.js";
export * as personView from "./person-view.js";
