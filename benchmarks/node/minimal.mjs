// The smallest handler that delivers a message: it reads the sender and the members, stores nothing, and posts.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";

const CONNECTIONS = process.env.CONNECTIONS_TABLE;

export const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const sockets = new ApiGatewayManagementApiClient({
  endpoint: process.env.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI,
});

export async function handler(event) {
  const { message } = JSON.parse(event.body).data;
  const key = { connection_id: event.requestContext.connectionId };
  const { Item: sender } = await dynamodb.send(new GetCommand({ TableName: CONNECTIONS, Key: key }));
  const { Items: members } = await dynamodb.send(
    new QueryCommand({
      TableName: CONNECTIONS,
      IndexName: "joined_room_id-index",
      KeyConditionExpression: "joined_room_id = :room",
      ExpressionAttributeValues: { ":room": sender.joined_room_id },
    }),
  );
  const Data = JSON.stringify({ message: { type: "message", message, sender: { name: sender.name } } });
  await Promise.all(
    members.map((member) =>
      sockets.send(new PostToConnectionCommand({ ConnectionId: member.connection_id, Data })),
    ),
  );
  return { statusCode: 200 };
}
