"""What the engine's speed is measured by, each figure beside something that anybody can repeat in the same run."""
