"""Bodies of draws and cases."""

from django.utils import timezone
from rest_framework import serializers

from survey.sampling.models import Case, Draw, DrawParty, DrawTimestamp, ReserveReplicate
from survey.sampling.public import public_state


class PartySerializer(serializers.ModelSerializer):
    """Somebody whose secret goes into the seed: its fingerprint, and whether it was given."""

    class Meta:
        model = DrawParty
        fields = ["number", "name", "secret_hash", "given_at"]


class TimestampSerializer(serializers.ModelSerializer):
    """A third party's word that the commitment existed."""

    class Meta:
        model = DrawTimestamp
        fields = ["kind", "authority", "stamped_at", "address", "note", "recorded_at"]


class ReplicateSerializer(serializers.ModelSerializer):
    """A random part of a draw; released whole and in order."""

    class Meta:
        model = ReserveReplicate
        fields = ["number", "n_cases", "released_at", "release_reason"]


class DrawSerializer(serializers.ModelSerializer):
    """One draw: what was fixed before it, and what it took. No secret is part of it."""

    round = serializers.IntegerField(source="design.round_id")
    frame_hash = serializers.CharField(source="design.frame.frame_hash")
    public_state = serializers.SerializerMethodField()
    n_psus = serializers.IntegerField(read_only=True, default=0)
    n_cases = serializers.IntegerField(read_only=True, default=0)

    class Meta:
        model = Draw
        fields = [
            "id",
            "round",
            "design",
            "number",
            "state",
            "public_state",
            "reason",
            "algorithm",
            "commitment_hash",
            "secret_hash",
            "frame_hash",
            "beacon_kind",
            "beacon_name",
            "beacon_at",
            "beacon",
            "reveal_by",
            "result_hash",
            "n_psus",
            "n_cases",
            "committed_at",
            "drawn_at",
            "revealed_at",
            "voided_at",
            "void_reason",
        ]

    def get_public_state(self, draw: Draw) -> str:
        """committed, drawn, revealed, void or lapsed: not revealed in time counts as void."""
        return public_state(draw)


class DrawDetailSerializer(DrawSerializer):
    """With its commitment, parties, stamps and reserves."""

    parties = PartySerializer(many=True, read_only=True)
    timestamps = TimestampSerializer(many=True, read_only=True)
    replicates = ReplicateSerializer(many=True, read_only=True)

    class Meta(DrawSerializer.Meta):
        fields = [*DrawSerializer.Meta.fields, "commitment", "parties", "timestamps", "replicates"]


class NewPartySerializer(serializers.Serializer):
    """A party beside the office, with the SHA-256 of the secret that she made herself."""

    name = serializers.CharField(max_length=100)
    secret_hash = serializers.RegexField(r"^[0-9a-fA-F]{64}$")


class CommitSerializer(serializers.Serializer):
    """A commitment. `beacon_at`: nobody knows the beacon's value before."""

    design = serializers.IntegerField()
    beacon_kind = serializers.ChoiceField(Draw.BeaconKind.choices)
    beacon_name = serializers.CharField(max_length=200)
    # The installation's own time, also where a body names none.
    beacon_at = serializers.DateTimeField(default_timezone=timezone.get_default_timezone())
    reveal_by = serializers.DateField()
    parties = NewPartySerializer(many=True, default=list)
    reason = serializers.CharField(max_length=300, allow_blank=True, default="")


class SecretSerializer(serializers.Serializer):
    """A party's secret, 64 hexadecimal digits: it must be the committed one."""

    party = serializers.IntegerField(min_value=1)
    secret = serializers.CharField(max_length=64, write_only=True)


class StampSerializer(serializers.Serializer):
    """A stamp. `token`: base64 of the RFC 3161 answer, whose own time counts."""

    kind = serializers.ChoiceField(DrawTimestamp.Kind.choices)
    authority = serializers.CharField(max_length=200)
    stamped_at = serializers.DateTimeField(required=False)
    token = serializers.CharField(max_length=100_000, allow_blank=True, default="")
    address = serializers.URLField(max_length=500, allow_blank=True, default="")
    note = serializers.CharField(max_length=300, allow_blank=True, default="")


class BeaconSerializer(serializers.Serializer):
    """The beacon's value as it was published."""

    beacon = serializers.CharField(max_length=300)


class ReasonSerializer(serializers.Serializer):
    """A reason that stays on record."""

    reason = serializers.CharField(max_length=300)


class ReleaseSerializer(ReasonSerializer):
    """The next replicate; another number is refused."""

    number = serializers.IntegerField(min_value=1)


class CaseSerializer(serializers.ModelSerializer):
    """One drawn household by its opaque id, with its probabilities. No address, no code."""

    community = serializers.CharField(source="community.code")
    psu = serializers.CharField(source="drawn_psu.psu.code")
    base_weight = serializers.FloatField()

    class Meta:
        model = Case
        fields = [
            "opaque_id",
            "number",
            "round",
            "community",
            "psu",
            "stage1_exact",
            "stage2_exact",
            "stage1_probability",
            "stage2_probability",
            "base_weight",
            "variance_stratum",
            "variance_psu",
            "status",
        ]
