"""The table of SageMaker's operations here: which members of their requests are honoured, and which recorded."""

from __future__ import annotations

from collections.abc import Mapping

from local_aws.members import Members, members

OFF = (False,)
JOB_FILTERS = (
    "CreationTimeAfter CreationTimeBefore LastModifiedTimeAfter LastModifiedTimeBefore NameContains StatusEquals "
    "SortBy SortOrder NextToken MaxResults"
)
FILTERS = "CreationTimeAfter CreationTimeBefore NameContains SortBy SortOrder NextToken MaxResults"
S3_SOURCE = "InputDataConfig[].DataSource.S3DataSource"
VARIANT = (
    "{0}[].VariantName {0}[].ModelName {0}[].InitialInstanceCount {0}[].InitialVariantWeight "
    "{0}[].ServerlessConfig"
)
VARIANT_RECORDED = (
    "{0}[].InstanceType {0}[].VolumeSizeInGB {0}[].ModelDataDownloadTimeoutInSeconds "
    "{0}[].ContainerStartupHealthCheckTimeoutInSeconds {0}[].ManagedInstanceScaling {0}[].RoutingConfig "
    "{0}[].InferenceAmiVersion"
)
CONTAINER = (
    "{0}.Image {0}.Mode {0}.ModelDataUrl {0}.Environment {0}.ModelPackageName {0}.InferenceSpecificationName "
    "{0}.MultiModelConfig"
)
PACKAGE_RECORDED = (
    "ModelPackageDescription InferenceSpecification AdditionalInferenceSpecifications ModelMetrics "
    "CustomerMetadataProperties MetadataProperties Domain Task ModelCard DriftCheckBaselines Tags"
)
COMPONENT = "InferenceComponentName Specification.ModelName RuntimeConfig.CopyCount"
COMPONENT_RECORDED = "Specification.StartupParameters Specification.ComputeResourceRequirements"

TRAINING = members(
    "TrainingJobName HyperParameters AlgorithmSpecification.TrainingImage AlgorithmSpecification.TrainingInputMode "
    "AlgorithmSpecification.MetricDefinitions AlgorithmSpecification.ContainerEntrypoint "
    "AlgorithmSpecification.ContainerArguments RoleArn InputDataConfig[].ChannelName "
    f"{S3_SOURCE}.S3DataType {S3_SOURCE}.S3Uri InputDataConfig[].ContentType "
    "InputDataConfig[].CompressionType InputDataConfig[].RecordWrapperType InputDataConfig[].InputMode "
    "OutputDataConfig.S3OutputPath OutputDataConfig.CompressionType ResourceConfig.InstanceType "
    "StoppingCondition.MaxRuntimeInSeconds StoppingCondition.MaxWaitTimeInSeconds EnableNetworkIsolation "
    "EnableManagedSpotTraining CheckpointConfig Environment",
    # One host trains, whose hardware is this machine's.
    f"{S3_SOURCE}.S3DataDistributionType "
    "OutputDataConfig.KmsKeyId ResourceConfig.InstanceCount ResourceConfig.VolumeSizeInGB "
    "ResourceConfig.VolumeKmsKeyId ResourceConfig.KeepAlivePeriodInSeconds VpcConfig Tags "
    "EnableInterContainerTrafficEncryption RetryStrategy ProfilerConfig.DisableProfiler "
    "RemoteDebugConfig.EnableRemoteDebug InfraCheckConfig.EnableInfraCheck",
    {
        "AlgorithmSpecification.TrainingInputMode": ("File", "FastFile"),
        f"{S3_SOURCE}.S3DataType": ("S3Prefix",),
        "InputDataConfig[].CompressionType": ("None",),
        "InputDataConfig[].RecordWrapperType": ("None",),
        "InputDataConfig[].InputMode": ("File", "FastFile"),
        "OutputDataConfig.CompressionType": ("GZIP",),
        "ProfilerConfig.DisableProfiler": (True,),
        "RemoteDebugConfig.EnableRemoteDebug": OFF,
        "InfraCheckConfig.EnableInfraCheck": OFF,
    },
)
PROCESSING = members(
    "ProcessingJobName RoleArn ProcessingInputs[].AppManaged ProcessingInputs[].S3Input "
    "ProcessingOutputConfig.Outputs[].S3Output "
    "ProcessingOutputConfig.Outputs[].AppManaged AppSpecification Environment StoppingCondition.MaxRuntimeInSeconds "
    "NetworkConfig.EnableNetworkIsolation",
    "ProcessingInputs[].InputName ProcessingOutputConfig.Outputs[].OutputName ProcessingOutputConfig.KmsKeyId "
    "ProcessingResources.ClusterConfig.InstanceType "
    "ProcessingResources.ClusterConfig.InstanceCount ProcessingResources.ClusterConfig.VolumeSizeInGB "
    "ProcessingResources.ClusterConfig.VolumeKmsKeyId NetworkConfig.EnableInterContainerTrafficEncryption "
    "NetworkConfig.VpcConfig Tags",
    {
        "ProcessingInputs[].AppManaged": OFF,
        "ProcessingInputs[].S3Input.S3DataType": ("S3Prefix",),
        "ProcessingInputs[].S3Input.S3InputMode": ("File",),
        "ProcessingInputs[].S3Input.S3CompressionType": ("None",),
        "ProcessingOutputConfig.Outputs[].S3Output.S3UploadMode": ("EndOfJob",),
        "ProcessingOutputConfig.Outputs[].AppManaged": OFF,
    },
)
TRANSFORM = members(
    "TransformJobName ModelName ModelClientConfig MaxPayloadInMB BatchStrategy Environment "
    "TransformInput.DataSource.S3DataSource TransformInput.ContentType TransformInput.CompressionType "
    "TransformInput.SplitType TransformOutput.S3OutputPath TransformOutput.Accept TransformOutput.AssembleWith "
    "DataProcessing.JoinSource",
    # Its requests are sent one after the other.
    "MaxConcurrentTransforms TransformOutput.KmsKeyId TransformResources Tags",
    {
        "TransformInput.DataSource.S3DataSource.S3DataType": ("S3Prefix",),
        "TransformInput.CompressionType": ("None",),
        "TransformInput.SplitType": ("None", "Line"),
        "DataProcessing.JoinSource": ("None",),
    },
)
ENDPOINT_CONFIG = members(
    f"EndpointConfigName {VARIANT.format('ProductionVariants')} {VARIANT.format('ShadowProductionVariants')} "
    "DataCaptureConfig.EnableCapture DataCaptureConfig.InitialSamplingPercentage DataCaptureConfig.DestinationS3Uri "
    "DataCaptureConfig.CaptureOptions DataCaptureConfig.CaptureContentTypeHeader "
    "AsyncInferenceConfig.OutputConfig.S3OutputPath AsyncInferenceConfig.OutputConfig.S3FailurePath ExecutionRoleArn "
    "EnableNetworkIsolation",
    f"{VARIANT_RECORDED.format('ProductionVariants')} {VARIANT_RECORDED.format('ShadowProductionVariants')} "
    "DataCaptureConfig.KmsKeyId AsyncInferenceConfig.ClientConfig AsyncInferenceConfig.OutputConfig.KmsKeyId "
    "KmsKeyId VpcConfig MetricsConfig Tags",
)
ENDPOINT_UPDATE = members(
    "EndpointName EndpointConfigName RetainAllVariantProperties ExcludeRetainedVariantProperties "
    "DeploymentConfig.BlueGreenUpdatePolicy DeploymentConfig.AutoRollbackConfiguration RetainDeploymentConfig"
)
JOB_NAMES = ("Training", "Processing", "Transform")

TABLE: Mapping[str, Members] = {
    "CreateTrainingJob": TRAINING,
    "CreateProcessingJob": PROCESSING,
    "CreateTransformJob": TRANSFORM,
    **{f"{verb}{kind}Job": members(f"{kind}JobName") for verb in ("Describe", "Stop") for kind in JOB_NAMES},
    **{f"List{kind}Jobs": members(JOB_FILTERS) for kind in JOB_NAMES},
    "CreateModelPackageGroup": members("ModelPackageGroupName", "ModelPackageGroupDescription Tags"),
    "DescribeModelPackageGroup": members("ModelPackageGroupName"),
    "DeleteModelPackageGroup": members("ModelPackageGroupName"),
    "ListModelPackageGroups": members(FILTERS),
    "CreateModelPackage": members("ModelPackageGroupName ModelApprovalStatus ClientToken", PACKAGE_RECORDED),
    "DescribeModelPackage": members("ModelPackageName"),
    "UpdateModelPackage": members(
        "ModelPackageArn ModelApprovalStatus CustomerMetadataPropertiesToRemove ClientToken",
        "ApprovalDescription CustomerMetadataProperties",
    ),
    "ListModelPackages": members(f"{FILTERS} ModelApprovalStatus ModelPackageGroupName"),
    "DeleteModelPackage": members("ModelPackageName"),
    "CreateModel": members(
        f"ModelName {CONTAINER.format('PrimaryContainer')} {CONTAINER.format('Containers[]')} ExecutionRoleArn "
        "EnableNetworkIsolation",
        "PrimaryContainer.ContainerHostname Containers[].ContainerHostname VpcConfig Tags",
    ),
    "DescribeModel": members("ModelName"),
    "DeleteModel": members("ModelName"),
    "ListModels": members(FILTERS),
    "CreateEndpointConfig": ENDPOINT_CONFIG,
    "DescribeEndpointConfig": members("EndpointConfigName"),
    "DeleteEndpointConfig": members("EndpointConfigName"),
    "ListEndpointConfigs": members(FILTERS),
    "CreateEndpoint": members("EndpointName EndpointConfigName", "Tags"),
    "DescribeEndpoint": members("EndpointName"),
    "UpdateEndpoint": ENDPOINT_UPDATE,
    "UpdateEndpointWeightsAndCapacities": members(
        "EndpointName DesiredWeightsAndCapacities[].VariantName DesiredWeightsAndCapacities[].DesiredWeight "
        "DesiredWeightsAndCapacities[].DesiredInstanceCount"
    ),
    "DeleteEndpoint": members("EndpointName"),
    "ListEndpoints": members(JOB_FILTERS),
    "CreateInferenceComponent": members(
        f"EndpointName VariantName {COMPONENT}", f"{COMPONENT_RECORDED} Tags"
    ),
    "DescribeInferenceComponent": members("InferenceComponentName"),
    "UpdateInferenceComponent": members(COMPONENT, COMPONENT_RECORDED),
    "UpdateInferenceComponentRuntimeConfig": members("InferenceComponentName DesiredRuntimeConfig.CopyCount"),
    "DeleteInferenceComponent": members("InferenceComponentName"),
    "AddTags": members("ResourceArn Tags"),
    "DeleteTags": members("ResourceArn TagKeys"),
    "ListTags": members("ResourceArn NextToken MaxResults"),
}

# Of SageMaker Runtime, whose members are headers.
RUNTIME_TABLE: Mapping[str, Members] = {
    "InvokeEndpoint": members(
        "EndpointName Body ContentType Accept CustomAttributes TargetModel InferenceComponentName InferenceId"
    ),
    "InvokeEndpointAsync": members("EndpointName ContentType Accept InferenceId InputLocation"),
}
