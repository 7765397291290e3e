"""The architectures of the sweep, each built small, with random weights and a batch of two.

`torchvision`: one or two of each classification family. `timm`: the smallest model of every module and all `test_*`
models. `transformers`: small configurations. Every entry is (suite, family, name, build) where build() gives
(module, inputs by name, what was made smaller).
"""
import itertools
import re
import warnings

import torch
from torch import nn

BATCH, CLASSES, VOCABULARY, LENGTH = 2, 10, 64, 8


def _library_without_kernels():
    """torchvision's kernels load only beside the torch build they were made for; classifiers need none of them."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        try:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:
            pass  # they are there
    return library


_KEEP = _library_without_kernels()
warnings.filterwarnings("ignore")
import timm  # noqa: E402
import torchvision  # noqa: E402
import transformers  # noqa: E402


class Refused(Exception):
    """The library itself does not build or run the model at these sizes."""


# torchvision ---------------------------------------------------------------------------------------------------------

TORCHVISION = {
    "alexnet": ["alexnet"], "convnext": ["convnext_tiny"], "densenet": ["densenet121"],
    "efficientnet": ["efficientnet_b0"], "efficientnet v2": ["efficientnet_v2_s"], "googlenet": ["googlenet"],
    "inception v3": ["inception_v3"], "maxvit": ["maxvit_t"], "mnasnet": ["mnasnet0_5"],
    "mobilenet v2": ["mobilenet_v2"], "mobilenet v3": ["mobilenet_v3_small", "mobilenet_v3_large"],
    "regnet": ["regnet_x_400mf", "regnet_y_400mf"], "resnet": ["resnet18", "resnet50"],
    "resnext": ["resnext50_32x4d"], "wide resnet": ["wide_resnet50_2"], "shufflenet v2": ["shufflenet_v2_x0_5"],
    "squeezenet": ["squeezenet1_0", "squeezenet1_1"], "swin": ["swin_t"], "swin v2": ["swin_v2_t"],
    "vgg": ["vgg11", "vgg11_bn"], "vit": ["vit_b_16"],
}
TORCHVISION_SMALLER = {
    "vit_b_16": dict(image_size=64), "maxvit_t": dict(input_size=(64, 64), partition_size=2),
    "googlenet": dict(init_weights=False, aux_logits=False), "inception_v3": dict(init_weights=False, aux_logits=False),
}


def _torchvision(name):
    smaller = TORCHVISION_SMALLER.get(name, {})
    if name == "maxvit_t":
        model = torchvision.models.MaxVit(**smaller, stem_channels=16, block_channels=[16, 16, 32, 32], block_layers=[1, 1, 1, 1],
                                          head_dim=8, stochastic_depth_prob=0.0, num_classes=CLASSES)
    elif name == "vit_b_16":
        model = torchvision.models.VisionTransformer(64, 16, 2, 4, 48, 96, num_classes=CLASSES)
        nn.init.normal_(model.heads.head.weight)
    else:
        model = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES, **smaller)
    if re.match("alexnet|vgg", name):  # 50 to 120 million weights of the classifier say nothing that 64 units do not
        width = next(m for m in model.classifier if isinstance(m, nn.Linear)).in_features
        model.classifier = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, CLASSES))
        smaller = dict(classifier=64)
    return _image(model, (64, 96, 128)) + (smaller,)


def _image(model, sizes):
    """The model with the first image size that it accepts."""
    model.eval()
    failure = None
    for size in sizes:
        x = torch.randn(BATCH, 3, size, size)
        try:
            with torch.no_grad():
                y = model(x)
        except Exception as e:  # libraries refuse sizes with whatever error they meet
            failure = e
            continue
        if not isinstance(y, torch.Tensor) or y.shape != (BATCH, CLASSES):
            raise Refused(f"output is no [{BATCH}, {CLASSES}] tensor")
        return model, {"x": x}
    raise Refused(f"{type(failure).__name__}: {failure}")


# timm ----------------------------------------------------------------------------------------------------------------

SIZE_WORDS = ("test_", "atto", "femto", "pico", "nano", "xxs", "xxt", "zepto", "xtiny", "_xt", "xs", "tiny", "_t", "_n", "b0",
              "s0", "m0", "t0", "050", "035", "micro", "mini", "small", "_s", "_xx", "s1", "m1", "l1", "18", "base")
TIMM_SMALLER = [dict(zip(keys, values)) for keys, values in (
    (("img_size", "depth"), (64, 2)), (("img_size", "depths"), (64, (1, 1, 1, 1))), (("img_size", "layers"), (64, (1, 1, 1, 1))),
    (("img_size",), (64,)), (("depth",), (2,)), (("depths",), ((1, 1, 1, 1),)), (("layers",), ((1, 1, 1, 1),)), ((), ()))]


def timm_smallest():
    """The model with the fewest parameters among those of each module whose names promise small ones."""
    for module in timm.list_modules():
        names = [n for n in timm.list_models(module=module) if not n.endswith(("_enc", "_align", "_merge"))]
        names.sort(key=lambda n: (next((i for i, w in enumerate(SIZE_WORDS) if w in n), 99), len(n)))
        sized = []
        for name in names[:3]:
            try:
                with torch.device("meta"):
                    sized.append((sum(p.numel() for p in timm.create_model(name, num_classes=CLASSES).parameters()), name))
            except Exception:  # some constructors compute with values, which meta tensors lack
                sized.append((10**8, name))
        if sized:
            yield module, min(sized)[1]


def _timm(name):
    failure = Refused("no size works")
    for smaller in TIMM_SMALLER:
        try:
            model = timm.create_model(name, num_classes=CLASSES, **smaller)
            full = timm.get_pretrained_cfg(name).input_size[-1] if timm.get_pretrained_cfg(name) else 224
            return _image(model, (64,) if smaller.get("img_size") else (64, 96, 128, 160, full)) + (smaller,)
        except Exception as e:
            failure = e
    raise Refused(f"{type(failure).__name__}: {failure}")


# transformers --------------------------------------------------------------------------------------------------------

SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, vocab_size=VOCABULARY,
             max_position_embeddings=32, num_labels=CLASSES, pad_token_id=0)
GROUPED = dict(SIZES, num_key_value_heads=2)
STAGES = dict(depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 16, 32], image_size=32, num_labels=CLASSES)
PATCHES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, image_size=32,
               patch_size=8, num_labels=CLASSES)
ENCODER_DECODER = dict(d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
                       encoder_ffn_dim=48, decoder_ffn_dim=48, vocab_size=VOCABULARY, max_position_embeddings=32,
                       pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1)
TRANSFORMERS = [  # prefix of the classes, head, configuration
    ("Albert", "ForSequenceClassification", dict(SIZES, embedding_size=16)),
    ("Bert", "ForSequenceClassification", SIZES), ("Roberta", "ForSequenceClassification", SIZES),
    ("XLMRoberta", "ForSequenceClassification", SIZES), ("Camembert", "ForSequenceClassification", SIZES),
    ("Electra", "ForSequenceClassification", dict(SIZES, embedding_size=16)),
    ("DistilBert", "ForSequenceClassification", dict(dim=32, n_layers=2, n_heads=4, hidden_dim=48, vocab_size=VOCABULARY, max_position_embeddings=32, num_labels=CLASSES)),
    ("MPNet", "ForSequenceClassification", SIZES), ("DebertaV2", "ForSequenceClassification", dict(SIZES, relative_attention=True, pos_att_type=["p2c", "c2p"], position_buckets=8)),
    ("ConvBert", "ForSequenceClassification", dict(SIZES, embedding_size=16)), ("SqueezeBert", "ForSequenceClassification", dict(SIZES, embedding_size=32)),
    ("MobileBert", "ForSequenceClassification", dict(SIZES, embedding_size=16, intra_bottleneck_size=16)),
    ("RoFormer", "ForSequenceClassification", dict(SIZES, embedding_size=32)), ("FNet", "ForSequenceClassification", SIZES),
    ("ModernBert", "ForSequenceClassification", dict(SIZES, cls_token_id=1, sep_token_id=2)),
    ("GPT2", "LMHeadModel", dict(n_embd=32, n_layer=2, n_head=4, n_positions=32, vocab_size=VOCABULARY)),
    ("GPTNeoX", "ForCausalLM", SIZES), ("GPTNeo", "ForCausalLM", dict(SIZES, num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]])),
    ("GPTJ", "ForCausalLM", dict(n_embd=32, n_layer=2, n_head=4, n_positions=32, rotary_dim=8, vocab_size=VOCABULARY)),
    ("OPT", "ForCausalLM", dict(SIZES, ffn_dim=48, word_embed_proj_dim=32)), ("Llama", "ForCausalLM", GROUPED), ("Mistral", "ForCausalLM", GROUPED),
    ("Qwen2", "ForCausalLM", GROUPED), ("Qwen3", "ForCausalLM", dict(GROUPED, head_dim=8)), ("Gemma", "ForCausalLM", dict(GROUPED, head_dim=8)),
    ("Gemma2", "ForCausalLM", dict(GROUPED, head_dim=8)), ("Phi", "ForCausalLM", SIZES), ("Phi3", "ForCausalLM", GROUPED),
    ("StableLm", "ForCausalLM", GROUPED), ("Olmo2", "ForCausalLM", GROUPED), ("Bloom", "ForCausalLM", dict(hidden_size=32, n_layer=2, n_head=4, vocab_size=VOCABULARY)),
    ("Falcon", "ForCausalLM", dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, vocab_size=VOCABULARY)),
    ("Mixtral", "ForCausalLM", dict(GROUPED, num_local_experts=2)), ("Mamba", "ForCausalLM", dict(hidden_size=16, num_hidden_layers=1, state_size=4, vocab_size=VOCABULARY)),
    ("XGLM", "ForCausalLM", dict(d_model=32, num_layers=2, attention_heads=4, ffn_dim=48, vocab_size=VOCABULARY, max_position_embeddings=32)),
    ("Bart", "ForConditionalGeneration", ENCODER_DECODER), ("Pegasus", "ForConditionalGeneration", ENCODER_DECODER), ("Marian", "MTModel", ENCODER_DECODER),
    ("T5", "ForConditionalGeneration", dict(d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, vocab_size=VOCABULARY, decoder_start_token_id=0)),
    ("ViT", "ForImageClassification", PATCHES), ("DeiT", "ForImageClassification", PATCHES), ("Beit", "ForImageClassification", PATCHES),
    ("Dinov2", "ForImageClassification", PATCHES), ("Swin", "ForImageClassification", dict(image_size=32, patch_size=4, embed_dim=16, depths=[1, 1], num_heads=[2, 2], window_size=4, num_labels=CLASSES)),
    ("Swinv2", "ForImageClassification", dict(image_size=32, patch_size=4, embed_dim=16, depths=[1, 1], num_heads=[2, 2], window_size=4, num_labels=CLASSES)),
    ("ConvNext", "ForImageClassification", STAGES), ("ConvNextV2", "ForImageClassification", STAGES),
    ("ResNet", "ForImageClassification", dict(STAGES, embedding_size=8, layer_type="basic")), ("RegNet", "ForImageClassification", dict(STAGES, embedding_size=8, groups_width=8)),
    ("PoolFormer", "ForImageClassification", dict(STAGES)), ("MobileNetV1", "ForImageClassification", dict(image_size=32, depth_multiplier=0.25, num_labels=CLASSES)),
    ("MobileNetV2", "ForImageClassification", dict(image_size=32, depth_multiplier=0.35, num_labels=CLASSES)),
    ("MobileViT", "ForImageClassification", dict(image_size=64, hidden_sizes=[16, 24, 32], neck_hidden_sizes=[8, 8, 16, 16, 24, 24, 32], num_attention_heads=2, num_labels=CLASSES)),
    ("Segformer", "ForImageClassification", dict(depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 16, 32], num_attention_heads=[1, 2, 2, 4], image_size=64, num_labels=CLASSES)),
    ("Levit", "ForImageClassification", dict(image_size=64, hidden_sizes=[16, 24, 32], num_attention_heads=[2, 2, 4], depths=[1, 1, 1], key_dim=[8, 8, 8], num_labels=CLASSES)),
    ("Wav2Vec2", "ForSequenceClassification", dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, conv_dim=[8, 8], conv_kernel=[10, 3], conv_stride=[5, 2],
                                                   num_feat_extract_layers=2, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, classifier_proj_size=16, num_labels=CLASSES)),
]


class Logits(nn.Module):
    """The logits alone, of one or two inputs: what a loss takes."""

    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, first, second=None):
        return self.model(**dict(zip(self.names, (first, second)))).logits


def _transformers(prefix, head, sizes):
    config = getattr(transformers, f"{prefix}Config")(**sizes)
    config.use_cache = False
    if head == "ForImageClassification":
        size = getattr(config, "image_size", 32)
        inputs = {"pixel_values": torch.randn(BATCH, 3, size, size)}
    elif prefix == "Wav2Vec2":
        inputs = {"input_values": torch.randn(BATCH, 400)}
    else:
        inputs = {"input_ids": torch.randint(3, VOCABULARY, (BATCH, LENGTH))}
        if head in ("ForConditionalGeneration", "MTModel"):
            inputs["decoder_input_ids"] = torch.randint(3, VOCABULARY, (BATCH, LENGTH))
    return Logits(getattr(transformers, prefix + head)(config), list(inputs)).eval(), inputs, dict(sizes)


def entries(timm_names):
    """All (suite, family, name, build); `timm_names` is the kept result of timm_smallest()."""
    for family, names in TORCHVISION.items():
        for name in names:
            yield "torchvision", family, name, (lambda name=name: _torchvision(name))
    chosen = {name for _, name in timm_names}
    tests = [("tests", name) for name in timm.list_models("test_*") if name not in chosen]
    for module, name in itertools.chain(timm_names, tests):
        yield "timm", module, name, (lambda name=name: _timm(name))
    for prefix, head, sizes in TRANSFORMERS:
        yield "transformers", prefix, prefix + head, (lambda p=prefix, h=head, s=sizes: _transformers(p, h, s))
