"""Breaking glass: one commit passes for a while, whatever its policies say, because somebody answers for it. See ADR 52."""
