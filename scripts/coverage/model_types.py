"""Every model type of transformers beside those of architectures.py, cut down by the names of its sizes.

Of each type the first class with a head, else the bare model. Several ways to cut its configuration down are tried, and
for each what the main input may look like; types that fit none of them are refused, as are those of more than 30 million
parameters. Entries are as in architectures.py.
"""
import torch
import transformers
from torch import nn
from transformers import CONFIG_MAPPING
from transformers.models.auto import modeling_auto as auto

from architectures import BATCH, CLASSES, LENGTH, TRANSFORMERS, VOCABULARY, Refused

MOST = 30_000_000
HEADS = [auto.MODEL_FOR_CAUSAL_LM_MAPPING, auto.MODEL_FOR_MASKED_LM_MAPPING, auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
         auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
         auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING, auto.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING,
         auto.MODEL_FOR_DEPTH_ESTIMATION_MAPPING, auto.MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING, auto.MODEL_FOR_CTC_MAPPING,
         auto.MODEL_FOR_BACKBONE_MAPPING, auto.MODEL_MAPPING]
SIZES = {
    4: "num_attention_heads num_heads n_head n_heads attention_heads encoder_attention_heads decoder_attention_heads "
       "num_encoder_attention_heads num_decoder_attention_heads num_experts num_local_experts n_routed_experts "
       "moe_num_experts state_size mamba_d_state mamba_n_heads sliding_window local_window",
    2: "num_key_value_heads num_kv_heads num_hidden_layers n_layer n_layers num_layers encoder_layers decoder_layers "
       "num_decoder_layers num_encoder_layers num_experts_per_tok time_step_rank type_vocab_size",
    1: "n_shared_experts n_group topk_group first_k_dense_replace",
    8: "d_kv head_dim qk_nope_head_dim qk_rope_head_dim v_head_dim num_buckets position_buckets rotary_dim patch_size",
    16: "moe_intermediate_size shared_expert_intermediate_size q_lora_rank kv_lora_rank mamba_d_head projection_dim",
    32: "hidden_size d_model n_embd embedding_size embed_dim dim word_embed_proj_dim max_position_embeddings n_positions "
        "n_ctx max_target_positions max_source_positions image_size",
    48: "intermediate_size n_inner d_ff ffn_dim encoder_ffn_dim decoder_ffn_dim ffn_hidden_size hidden_dim mlp_dim d_inner",
    VOCABULARY: "vocab_size",
}
SMALL = {name: size for size, names in SIZES.items() for name in names.split()}
LAYERS = ("layer_types", "mlp_layer_types", "layers_block_type", "attention_types")
TOKENS = "pad bos eos sep cls decoder_start unk mask".split()
HEAD_SIZES = {"head_dim", "num_key_value_heads", "num_kv_heads"}
WIDTHS = {"hidden_size", "d_model", "dim", "embed_dim", "hidden_dim", "intermediate_size"}
IMAGES = {"image_size", "patch_size", "num_buckets"}


def smaller(config, keep=frozenset()):
    """What of a configuration is larger than it need be, as keywords."""
    number = lambda v: isinstance(v, int) and not isinstance(v, bool)
    sizes = {k: v for k, v in SMALL.items() if k not in keep and number(getattr(config, k, None)) and getattr(config, k) > v}
    tokens = {f"{k}_token_id" for k in TOKENS}
    return sizes | {k: 1 for k in tokens if number(getattr(config, k, None)) and getattr(config, k) >= 3}


def exportable(config):
    config._experts_implementation = "batched_mm"  # grouped products do not export
    config.use_cache = False
    return config


def cut(config):
    """The configuration and those in it, changed in place."""
    for inner in [v for v in vars(config).values() if isinstance(v, transformers.PreTrainedConfig)]:
        cut(inner)
    for name, value in smaller(config).items():
        setattr(config, name, value)
    for name in LAYERS:
        kinds = getattr(config, name, None)
        if isinstance(kinds, list) and len(kinds) > 2 and isinstance(kinds[0], str):
            setattr(config, name, (sorted(set(kinds), key=kinds.index) * 2)[:2])
    return exportable(config)


def anew(default, keep):
    """Made from smaller sizes, so that those derived from them follow; some are kept."""
    config = default(**smaller(default(), keep))
    for inner in [v for v in vars(config).values() if isinstance(v, transformers.PreTrainedConfig)]:
        cut(inner)
    return exportable(config)


WAYS = [lambda default: cut(default())]
WAYS += [lambda default, k=keep: anew(default, k) for keep in (set(), HEAD_SIZES, WIDTHS, IMAGES, IMAGES | HEAD_SIZES)]
WAYS += [lambda default: default()]


def main_inputs(model, config):
    """What the model's main input may look like."""
    of = lambda name, default: getattr(config, name, None) or default
    size = of("image_size", 64)
    size = size if isinstance(size, int) else size[0]
    bands, channels = of("num_mel_bins", 80), of("num_channels", 3)
    image = lambda n: torch.randn(BATCH, channels, n, n)
    return {
        "input_ids": [torch.randint(3, VOCABULARY, (BATCH, LENGTH))],
        "pixel_values": [image(size), torch.randn(BATCH, of("num_frames", 2), channels, size, size), image(64), image(224)],
        "input_values": [torch.randn(BATCH, 400), torch.randn(BATCH, 1, 400), torch.randn(BATCH, 2000)],
        "input_features": [torch.randn(BATCH, bands, 2 * of("max_source_positions", 16)), torch.randn(BATCH, 32, bands)],
    }.get(model.main_input_name, [])


class First(nn.Module):
    """The first output that a loss can take."""

    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, first, second=None):
        found = self._first(self.model(**dict(zip(self.names, (first, second)))))
        return found.flatten(1) if found.shape[-1] == 1 else found  # there must be something to choose from

    @staticmethod
    def _first(out):
        for name in ("logits", "predicted_depth", "last_hidden_state", "pooler_output"):
            if getattr(out, name, None) is not None:
                return getattr(out, name)
        return out.feature_maps[-1] if hasattr(out, "feature_maps") else out[0]


def _build(kind, head):
    named = head._model_mapping[kind]
    make = getattr(transformers, named[0] if isinstance(named, (tuple, list)) else named)
    failure = None
    for way in WAYS:
        try:
            config = way(CONFIG_MAPPING[kind])
            with torch.device("meta"):
                size = sum(p.numel() for p in make(config).parameters())
            if size > MOST:
                raise Refused(f"{size} parameters")
            model = make(config).eval()
        except Exception as e:
            failure = failure or e
            continue
        for first in main_inputs(model, config):
            inputs = {model.main_input_name: first}
            if head is auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING:
                inputs["decoder_input_ids"] = torch.randint(3, VOCABULARY, (BATCH, LENGTH))
            try:
                module = First(model, list(inputs))
                if module(*inputs.values()).is_floating_point():
                    return module, inputs, {}
            except Exception as e:
                failure = failure or e
    raise Refused(f"{type(failure).__name__}: {failure}")


def entries():
    """All (suite, family, name, build)."""
    listed = {prefix.lower() for prefix, _, _ in TRANSFORMERS}
    for kind in CONFIG_MAPPING.keys():
        head = next((h for h in HEADS if h._model_mapping.get(kind)), None)
        if head is not None and kind.replace("-", "").replace("_", "") not in listed:
            yield "model-types", kind, kind, (lambda k=kind, h=head: _build(k, h))
