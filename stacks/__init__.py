"""The CDK stacks: storage, training, inference and the recognition API."""
