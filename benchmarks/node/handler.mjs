// A message handler as AWS's samples write it with the SDK v3, on the same tables and with the same frames.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  TransactWriteCommand,
  UpdateCommand,
  paginateQuery,
} from "@aws-sdk/lib-dynamodb";
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";

const CONNECTIONS = process.env.CONNECTIONS_TABLE;
const MESSAGES = process.env.MESSAGES_TABLE;
const DAY = 86_400;

export const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const sockets = new ApiGatewayManagementApiClient({
  endpoint: process.env.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI,
});

export async function handler(event) {
  const { message: text, clientId } = JSON.parse(event.body).data;
  const key = { connection_id: event.requestContext.connectionId };
  const { Item: sender } = await dynamodb.send(
    new GetCommand({ TableName: CONNECTIONS, Key: key, ConsistentRead: true }),
  );
  if (!sender) return { statusCode: 400 };
  const message = await store(sender, text, clientId);
  const frame = JSON.stringify({ message });
  await Promise.all((await members(sender.joined_room_id)).map((member) => post(member.connection_id, frame)));
  return { statusCode: 200 };
}

async function store(sender, text, clientId) {
  const room = sender.joined_room_id;
  const now = new Date();
  const seconds = Math.floor(now / 1000);
  const { Attributes: roomSequence } = await dynamodb.send(
    new UpdateCommand({
      TableName: MESSAGES,
      Key: { room_id: room, sort_key: "sequence" },
      UpdateExpression: "ADD last_sequence :one SET expires_at = :later",
      ExpressionAttributeValues: { ":one": 1, ":later": seconds + 30 * DAY },
      ReturnValues: "ALL_NEW",
    }),
  );
  const sequence = roomSequence.last_sequence;
  const message = {
    room_id: room,
    sort_key: `message#${String(sequence).padStart(15, "0")}`,
    sequence,
    is_tombstone: false,
    text,
    sender_id: sender.member_id,
    sender_name: sender.name,
    sent_at: now.toISOString(),
    client_id: clientId,
    expires_at: seconds + DAY,
  };
  const idempotencyRecord = { room_id: room, sort_key: `client#${clientId}`, sequence, expires_at: seconds + 600 };
  await dynamodb.send(new TransactWriteCommand({ TransactItems: [message, idempotencyRecord].map(putNew) }));
  return {
    type: "message",
    message: text,
    sender: { id: sender.member_id, name: sender.name },
    sequence,
    sentAt: message.sent_at,
    clientId,
  };
}

function putNew(Item) {
  return { Put: { TableName: MESSAGES, Item, ConditionExpression: "attribute_not_exists(room_id)" } };
}

async function members(room) {
  const found = [];
  const query = {
    TableName: CONNECTIONS,
    IndexName: "joined_room_id-index",
    KeyConditionExpression: "joined_room_id = :room",
    ExpressionAttributeValues: { ":room": room },
  };
  for await (const page of paginateQuery({ client: dynamodb }, query)) found.push(...page.Items);
  return found;
}

async function post(connectionId, frame) {
  try {
    await sockets.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: frame }));
  } catch (error) {
    if (error.name !== "GoneException") throw error;
    await dynamodb.send(new DeleteCommand({ TableName: CONNECTIONS, Key: { connection_id: connectionId } }));
  }
}
