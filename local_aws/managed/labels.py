"""COCO's 80 classes under the names that Rekognition uses, and the more general label each belongs to."""

from __future__ import annotations


def names(text: str) -> tuple[str, ...]:
    """Names that commas separate, also over several lines."""
    return tuple(name.strip() for name in text.split(","))


# In the order of the network's output.
COCO_LABELS = names(
    """Person, Bicycle, Car, Motorcycle, Airplane, Bus, Train, Truck, Boat, Traffic Light, Fire Hydrant, Stop Sign,
    Parking Meter, Bench, Bird, Cat, Dog, Horse, Sheep, Cow, Elephant, Bear, Zebra, Giraffe, Backpack, Umbrella,
    Handbag, Tie, Suitcase, Frisbee, Skis, Snowboard, Sports Ball, Kite, Baseball Bat, Baseball Glove, Skateboard,
    Surfboard, Tennis Racket, Bottle, Wine Glass, Cup, Fork, Knife, Spoon, Bowl, Banana, Apple, Sandwich, Orange,
    Broccoli, Carrot, Hot Dog, Pizza, Donut, Cake, Chair, Couch, Potted Plant, Bed, Dining Table, Toilet, Monitor,
    Laptop, Computer Mouse, Remote Control, Computer Keyboard, Mobile Phone, Microwave, Oven, Toaster, Sink,
    Refrigerator, Book, Clock, Vase, Scissors, Teddy Bear, Hair Drier, Toothbrush"""
)
GROUPS = {
    "Animal": names("Bird, Cat, Dog, Horse, Sheep, Cow, Elephant, Bear, Zebra, Giraffe"),
    "Vehicle": names("Bicycle, Car, Motorcycle, Airplane, Bus, Train, Truck, Boat"),
    "Furniture": names("Bench, Chair, Couch, Bed, Dining Table"),
    "Food": names("Banana, Apple, Sandwich, Orange, Broccoli, Carrot, Hot Dog, Pizza, Donut, Cake"),
    "Electronics": names("Monitor, Laptop, Computer Mouse, Remote Control, Computer Keyboard, Mobile Phone"),
    "Appliance": names("Microwave, Oven, Toaster, Refrigerator, Hair Drier"),
    "Cutlery": names("Fork, Knife, Spoon"),
}
PARENT = {member: group for group, members in GROUPS.items() for member in members}
