"""DynamoDB: the client, the models and their transactions. Nothing outside this package imports PynamoDB."""
