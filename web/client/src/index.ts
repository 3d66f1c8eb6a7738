export { ChatClient, type ChatClientOptions, type JoinOptions } from "./client.js";
export { ApiError, ChatError, type ErrorCode } from "./errors.js";
export { cleanName } from "./identity.js";
export { type Piece, splitLinks } from "./links.js";
export type { Room } from "./room.js";
export type { RoomList, RoomListSnapshot } from "./room-list.js";
export { cutText, hasGlyph } from "./text.js";
export type * from "./types.js";
