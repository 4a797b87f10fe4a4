"""Grants that the deployed tests do not use, each with the reason why the role has it all the same."""

# The actions of a role, by the role's stack and construct.
Roles = dict[str, tuple[str, ...]]

OF_TABLES = ("kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")
IN_BULK = (
    *(
        f"comprehend:{batch}Detect{what}"
        for batch in ("", "Batch")
        for what in ("DominantLanguage", "Entities", "KeyPhrases", "Syntax", "TargetedSentiment")
    ),
    *("comprehend:DetectPiiEntities", "comprehend:DetectToxicContent"),
    *(
        "rekognition:CompareFaces",
        "rekognition:DetectFaces",
        "rekognition:DetectLabels",
        "rekognition:DetectText",
    ),
    *("rekognition:DetectModerationLabels", "rekognition:DetectProtectiveEquipment"),
    *("rekognition:RecognizeCelebrities", "sagemaker:InvokeEndpoint"),
)

UNUSED: dict[str, Roles] = {
    "DynamoDB's guide names these for whoever uses a table under a key; an item read or written asks for Decrypt.": {
        "Api-LanguageRole": OF_TABLES,
        "Api-VisionRole": OF_TABLES,
        # It also writes the labels that callers tell, under the same key.
        "Api-CustomRole": tuple(action for action in OF_TABLES if action != "kms:GenerateDataKey"),
    },
    "An answer is read again where the write that finds it there does not bring it along (Powertools' guide).": {
        f"Api-{function}Role": ("dynamodb:GetItem",) for function in ("Custom", "Language", "Vision")
    },
    "A bulk run may be of any operation; those of the tests are of sentiment.": {"Bulk-BulkRole": IN_BULK},
    "An upload that fails half-way is given up.": {
        "Inference-ModelRole": ("s3:AbortMultipartUpload",),
        "Training-JobRole": ("s3:AbortMultipartUpload",),
        "Watching-DriftJobRole": ("s3:AbortMultipartUpload",),
    },
    "With it a missing object is said to be missing; in a release that is a fault that no test makes.": {
        "Release-ReleaseRole": ("s3:ListBucket",)
    },
    "CloudFormation's handlers look at what they made and name these; the embedded AWS's ask for the changes alone.": {
        "Release-UpdateRole": (
            *("sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel", "sagemaker:ListTags"),
            *("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "cloudwatch:ListTagsForResource"),
            *("cloudwatch:TagResource", "iam:GetRole", "kms:CreateGrant", "kms:DescribeKey"),
            *("ssm:AddTagsToResource", "ssm:GetParameters", "ssm:ListTagsForResource"),
            *(
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DescribeScalingPolicies",
            ),
            *(
                "application-autoscaling:DescribeScheduledActions",
                "application-autoscaling:ListTagsForResource",
            ),
            "application-autoscaling:TagResource",
        )
    },
    "The records of what serves are made with the stack and go with it; one is taken back when an update fails.": {
        "Release-UpdateRole": ("ssm:DeleteParameter",)
    },
    "Application Auto Scaling wants these of whoever registers the first endpoint of an account, and of each policy.": {
        "Release-UpdateRole": (
            *("iam:CreateServiceLinkedRole", "sagemaker:UpdateEndpointWeightsAndCapacities"),
            *("cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"),
        )
    },
    "On the configuration, too: an action with several resources is decided on the first of a request.": {
        "Release-UpdateRole": ("sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint")
    },
    "CloudFormation reads the template's published values for whoever updates; here they are not asked for.": {
        "Release-ReleaseRole": ("ssm:GetParameters",)
    },
    "Step Functions stops what runs when an execution is stopped; here the command that stops it does.": {
        "Training-TrainingRole": ("sagemaker:StopProcessingJob", "sagemaker:StopTrainingJob"),
        "Watching-DriftMachineRole": ("sagemaker:StopProcessingJob",),
        "Bulk-MachineRole": ("states:StopExecution",),
    },
    "Of a key that is looked up before it is used.": {"Bulk-MachineRole": ("kms:DescribeKey",)},
    "A run beside a champion whose artefact is gone tells of it: tests/infrastructure/test_champion.py.": {
        "Training-TrainingRole": ("events:PutEvents",)
    },
    "The drift machine runs at night; the tests start it themselves, and set off the alarm of one network.": {
        "Watching-DriftCnnTrainingEventsRole": ("states:StartExecution",),
        "Watching-DriftMachineEventsRole": ("states:StartExecution",),
    },
}
