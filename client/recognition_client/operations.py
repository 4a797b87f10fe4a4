"""The client's method for each operation. Made by `python -m tools.write_client`; do not edit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from recognition_client.answers import Answer, BatchAnswer


class Operations(ABC):
    """Every operation. All raise RecognitionRefused when the API refuses and Unreachable when it does not answer."""

    @abstractmethod
    def ask_about_image(self, path: str, image: bytes, options: Mapping[str, Any]) -> Answer: ...

    @abstractmethod
    def ask_about_images(
        self, path: str, source: bytes, target: bytes, options: Mapping[str, Any]
    ) -> Answer: ...

    @abstractmethod
    def ask_about_text(self, path: str, text: str, options: Mapping[str, Any]) -> Answer: ...

    @abstractmethod
    def ask_about_texts(self, path: str, texts: Sequence[str], options: Mapping[str, Any]) -> BatchAnswer: ...

    @abstractmethod
    def ask_about_sequence(
        self, path: str, sequence: Sequence[Sequence[float]], options: Mapping[str, Any]
    ) -> Answer: ...

    @abstractmethod
    def tell_labels(self, path: str, operation: str, labels: Mapping[str, str]) -> Mapping[str, Any]: ...

    @abstractmethod
    def ask_about_object(self, path: str, members: Mapping[str, Any]) -> Mapping[str, Any]: ...

    def image_labels(
        self,
        image: bytes,
        *,
        max_labels: int | None = None,
        min_confidence: float | None = None,
        features: Sequence[Literal["GENERAL_LABELS", "IMAGE_PROPERTIES"]] | None = None,
        include_labels: Sequence[str] | None = None,
        exclude_labels: Sequence[str] | None = None,
        include_categories: Sequence[str] | None = None,
        exclude_categories: Sequence[str] | None = None,
        max_dominant_colors: int | None = None,
    ) -> Answer:
        """Objects, scenes and actions in an image, with boxes where they can be located.

        A PNG or JPEG of at most 4,620,288 bytes (as base64 in JSON 3,465,216), each side from 80 to 10,000 pixels.

        Args:
            max_labels: At most so many labels, the surest.
            min_confidence: What is less sure than this is left out.
            features: Labels, colours and sharpness, or both; labels unless said.
            include_labels: Only these labels.
            exclude_labels: Not these labels.
            include_categories: Only labels of these categories.
            exclude_categories: No labels of these categories.
            max_dominant_colors: At most so many colours, with the feature IMAGE_PROPERTIES.
        """
        return self.ask_about_image(
            "images/labels",
            image,
            {
                "max_labels": max_labels,
                "min_confidence": min_confidence,
                "features": features,
                "include_labels": include_labels,
                "exclude_labels": exclude_labels,
                "include_categories": include_categories,
                "exclude_categories": exclude_categories,
                "max_dominant_colors": max_dominant_colors,
            },
        )

    def image_text(
        self,
        image: bytes,
        *,
        min_confidence: float | None = None,
        min_box_height: float | None = None,
        min_box_width: float | None = None,
        regions: Sequence[str] | None = None,
    ) -> Answer:
        """Lines of text in an image, with their words and places.

        A PNG or JPEG of at most 4,620,288 bytes (as base64 in JSON 3,465,216), each side of at least 80 pixels.

        Args:
            min_confidence: Words that are less sure than this are left out.
            min_box_height: Words lower than this share of the image's height are left out.
            min_box_width: Words narrower than this share of the image's width are left out.
            regions: Read here only.
        """
        return self.ask_about_image(
            "images/text",
            image,
            {
                "min_confidence": min_confidence,
                "min_box_height": min_box_height,
                "min_box_width": min_box_width,
                "regions": regions,
            },
        )

    def image_faces(
        self,
        image: bytes,
        *,
        attributes: Sequence[
            Literal[
                "DEFAULT",
                "ALL",
                "AGE_RANGE",
                "BEARD",
                "EMOTIONS",
                "EYE_DIRECTION",
                "EYEGLASSES",
                "EYES_OPEN",
                "GENDER",
                "MOUTH_OPEN",
                "MUSTACHE",
                "FACE_OCCLUDED",
                "SMILE",
                "SUNGLASSES",
            ]
        ]
        | None = None,
    ) -> Answer:
        """Faces in an image and what they look like.

        A PNG or JPEG of at most 4,620,288 bytes (as base64 in JSON 3,465,216), each side of at least 80 pixels.

        Args:
            attributes: What is said of each face beside its place, pose, quality and landmarks.
        """
        return self.ask_about_image("images/faces", image, {"attributes": attributes})

    def image_compare_faces(
        self,
        source: bytes,
        target: bytes,
        *,
        similarity_threshold: float | None = None,
        quality_filter: Literal["NONE", "AUTO", "LOW", "MEDIUM", "HIGH"] | None = None,
    ) -> Answer:
        """The faces of a target image that match the largest face of a source image.

        Two PNG or JPEG files (as base64 in JSON 3,465,216, both together), each side of at least 80 pixels.

        Args:
            similarity_threshold: Faces that are less similar count as not matched.
            quality_filter: Faces of a lower quality are not compared; NONE unless said.
        """
        return self.ask_about_images(
            "images/compare-faces",
            source,
            target,
            {"similarity_threshold": similarity_threshold, "quality_filter": quality_filter},
        )

    def image_moderation(self, image: bytes, *, min_confidence: float | None = None) -> Answer:
        """What may be unwanted in an image.

        A PNG or JPEG of at most 4,620,288 bytes (as base64 in JSON 3,465,216), each side from 80 to 10,000 pixels.

        Args:
            min_confidence: What is less sure than this is left out.
        """
        return self.ask_about_image("images/moderation", image, {"min_confidence": min_confidence})

    def image_protective_equipment(
        self,
        image: bytes,
        *,
        required_equipment: Sequence[Literal["FACE_COVER", "HAND_COVER", "HEAD_COVER"]] | None = None,
        min_confidence: float | None = None,
    ) -> Answer:
        """Persons in an image and the covers of face, head and hands that they wear.

        A PNG or JPEG of at most 4,194,304 bytes (as base64 in JSON 3,465,216), each side from 64 to 4,096 pixels.

        Args:
            required_equipment: Asks for a summary of who wears all of this, who does not, and who cannot be told.
            min_confidence: How sure a detection has to be for the summary; 0.8 unless said. Needs required_equipment.
        """
        return self.ask_about_image(
            "images/protective-equipment",
            image,
            {"required_equipment": required_equipment, "min_confidence": min_confidence},
        )

    def image_celebrities(self, image: bytes) -> Answer:
        """Well-known people in an image.

        A PNG or JPEG of at most 4,620,288 bytes (as base64 in JSON 3,465,216), each side of at least 80 pixels."""
        return self.ask_about_image("images/celebrities", image, {})

    def text_sentiment(
        self,
        text: str,
        *,
        language_code: Literal["en", "es", "fr", "de", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW"]
        | None = None,
    ) -> Answer:
        """Positive, negative, neutral or mixed: the sentiment of a text.

        A text of at most 5,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_text("texts/sentiment", text, {"language_code": language_code})

    def text_targeted_sentiment(self, text: str, *, language_code: Literal["en"] | None = None) -> Answer:
        """The sentiment towards each thing that a text mentions.

        A text of at most 5,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_text("texts/targeted-sentiment", text, {"language_code": language_code})

    def text_language(self, text: str) -> Answer:
        """The languages that a text is in.

        A text of at most 100,000 bytes of UTF-8."""
        return self.ask_about_text("texts/language", text, {})

    def text_entities(
        self,
        text: str,
        *,
        language_code: Literal["en", "es", "fr", "de", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW"]
        | None = None,
    ) -> Answer:
        """Persons, places, organisations, dates and the like in a text.

        A text of at most 100,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_text("texts/entities", text, {"language_code": language_code})

    def text_key_phrases(
        self,
        text: str,
        *,
        language_code: Literal["en", "es", "fr", "de", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW"]
        | None = None,
    ) -> Answer:
        """What a text is about.

        A text of at most 100,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_text("texts/key-phrases", text, {"language_code": language_code})

    def text_syntax(
        self, text: str, *, language_code: Literal["en", "es", "fr", "de", "it", "pt"] | None = None
    ) -> Answer:
        """The part of speech of each word.

        A text of at most 5,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_text("texts/syntax", text, {"language_code": language_code})

    def text_pii(self, text: str, *, language_code: Literal["en", "es"] | None = None) -> Answer:
        """Personal data in a text.

        A text of at most 100,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_text("texts/pii", text, {"language_code": language_code})

    def text_pii_redaction(
        self,
        text: str,
        *,
        language_code: Literal["en", "es"] | None = None,
        mask_mode: Literal["REPLACE_WITH_PII_ENTITY_TYPE", "MASK"] | None = None,
        mask_character: str | None = None,
        pii_entity_types: Sequence[
            Literal[
                "BANK_ACCOUNT_NUMBER",
                "BANK_ROUTING",
                "CREDIT_DEBIT_NUMBER",
                "CREDIT_DEBIT_CVV",
                "CREDIT_DEBIT_EXPIRY",
                "PIN",
                "EMAIL",
                "ADDRESS",
                "NAME",
                "PHONE",
                "SSN",
                "DATE_TIME",
                "PASSPORT_NUMBER",
                "DRIVER_ID",
                "URL",
                "AGE",
                "USERNAME",
                "PASSWORD",
                "AWS_ACCESS_KEY",
                "AWS_SECRET_KEY",
                "IP_ADDRESS",
                "MAC_ADDRESS",
                "ALL",
                "LICENSE_PLATE",
                "VEHICLE_IDENTIFICATION_NUMBER",
                "UK_NATIONAL_INSURANCE_NUMBER",
                "CA_SOCIAL_INSURANCE_NUMBER",
                "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
                "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER",
                "IN_PERMANENT_ACCOUNT_NUMBER",
                "IN_NREGA",
                "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
                "SWIFT_CODE",
                "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
                "CA_HEALTH_NUMBER",
                "IN_AADHAAR",
                "IN_VOTER_NUMBER",
            ]
        ]
        | None = None,
    ) -> Answer:
        """A text with its personal data replaced, in `details.redacted_text`.

        A text of at most 100,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
            mask_mode: Put the kind of data in brackets in its place, or the mask character for each character.
            mask_character: What MASK writes.
            pii_entity_types: Redact these kinds of data only.
        """
        return self.ask_about_text(
            "texts/pii/redaction",
            text,
            {
                "language_code": language_code,
                "mask_mode": mask_mode,
                "mask_character": mask_character,
                "pii_entity_types": pii_entity_types,
            },
        )

    def text_toxicity(self, text: str, *, language_code: Literal["en"] | None = None) -> Answer:
        """Insults, threats, hate and the like in a text.

        A text of at most 1,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_text("texts/toxicity", text, {"language_code": language_code})

    def text_classification(self, text: str) -> Answer:
        """The classes of a text by the deployment's custom classifier of Comprehend.

        A text of at most 10,000 bytes of UTF-8."""
        return self.ask_about_text("texts/classification", text, {})

    def text_sentiment_batch(
        self,
        texts: Sequence[str],
        *,
        language_code: Literal["en", "es", "fr", "de", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW"]
        | None = None,
    ) -> BatchAnswer:
        """Positive, negative, neutral or mixed: the sentiment of a text. Of up to 250 texts, each with its own outcome.

        1 to 250 texts, each of at most 5,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_texts("texts/sentiment/batch", texts, {"language_code": language_code})

    def text_targeted_sentiment_batch(
        self, texts: Sequence[str], *, language_code: Literal["en"] | None = None
    ) -> BatchAnswer:
        """The sentiment towards each thing that a text mentions. Of up to 250 texts, each with its own outcome.

        1 to 250 texts, each of at most 5,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_texts("texts/targeted-sentiment/batch", texts, {"language_code": language_code})

    def text_language_batch(self, texts: Sequence[str]) -> BatchAnswer:
        """The languages that a text is in. Of up to 250 texts, each with its own outcome.

        1 to 250 texts, each of at most 5,000 bytes of UTF-8."""
        return self.ask_about_texts("texts/language/batch", texts, {})

    def text_entities_batch(
        self,
        texts: Sequence[str],
        *,
        language_code: Literal["en", "es", "fr", "de", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW"]
        | None = None,
    ) -> BatchAnswer:
        """Persons, places, organisations, dates and the like in a text. Of up to 250 texts, each with its own outcome.

        1 to 250 texts, each of at most 5,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_texts("texts/entities/batch", texts, {"language_code": language_code})

    def text_key_phrases_batch(
        self,
        texts: Sequence[str],
        *,
        language_code: Literal["en", "es", "fr", "de", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW"]
        | None = None,
    ) -> BatchAnswer:
        """What a text is about. Of up to 250 texts, each with its own outcome.

        1 to 250 texts, each of at most 5,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_texts("texts/key-phrases/batch", texts, {"language_code": language_code})

    def text_syntax_batch(
        self,
        texts: Sequence[str],
        *,
        language_code: Literal["en", "es", "fr", "de", "it", "pt"] | None = None,
    ) -> BatchAnswer:
        """The part of speech of each word. Of up to 250 texts, each with its own outcome.

        1 to 250 texts, each of at most 5,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_texts("texts/syntax/batch", texts, {"language_code": language_code})

    def text_toxicity_batch(
        self, texts: Sequence[str], *, language_code: Literal["en"] | None = None
    ) -> BatchAnswer:
        """Insults, threats, hate and the like in a text. Of up to 250 texts, each with its own outcome.

        1 to 250 texts, each of at most 1,000 bytes of UTF-8.

        Args:
            language_code: The text's language; en unless said.
        """
        return self.ask_about_texts("texts/toxicity/batch", texts, {"language_code": language_code})

    def image_class(
        self, image: bytes, *, endpoint: Literal["asynchronous", "to-zero"] | None = None
    ) -> Answer:
        """Our own network's classes for an image.

        A PNG or JPEG of at most 4,620,288 bytes (as base64 in JSON 3,465,216), each side of at least 8 pixels, at
        most 50,000,000 in all.

        Args:
            endpoint: Another of our network's endpoints, which has no instance while nobody asks it.
        """
        return self.ask_about_image("images/class", image, {"endpoint": endpoint})

    def text_class(self, text: str, *, endpoint: Literal["asynchronous", "to-zero"] | None = None) -> Answer:
        """Our own network's classes for a text.

        A text of at most 100,000 bytes of UTF-8.

        Args:
            endpoint: Another of our network's endpoints, which has no instance while nobody asks it.
        """
        return self.ask_about_text("texts/class", text, {"endpoint": endpoint})

    def sequence_class(
        self,
        sequence: Sequence[Sequence[float]],
        *,
        endpoint: Literal["asynchronous", "to-zero"] | None = None,
    ) -> Answer:
        """Our own network's classes for a sequence of a sensor's readings.

        Steps with a number for every channel, at most 200,000 numbers of 32 bits in all.

        Args:
            endpoint: Another of our network's endpoints, which has no instance while nobody asks it.
        """
        return self.ask_about_sequence("sequences/class", sequence, {"endpoint": endpoint})

    def labels(
        self, operation: Literal["image-class", "text-class", "sequence-class"], labels: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Takes what answers of our own networks should have been.

        1 to 1,000 request ids of one operation's answers, each with its label of at most 256 characters."""
        return self.tell_labels("labels", operation, labels)

    def advise(self, problem: Mapping[str, Any]) -> Mapping[str, Any]:
        """Which service or model a recognition problem wants, why, and what it costs.

        A problem; a field that is wrong is named."""
        return self.ask_about_object("advise", problem)
