"""The embedded SageMaker: jobs that run, a model registry, and endpoints that predict, behind the service's own API."""
