"""Commands for the operator of a chat. They use the tables and the queue of a stage on AWS, or of the local cloud."""
