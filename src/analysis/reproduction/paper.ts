export type NetworkGroup = "function approximators" | "image classifiers";

/** A network of the paper and what the paper reports of it; the name is that of the file, without .onnx. */
export interface PaperNetwork {
  readonly name: string;
  readonly title: string;
  readonly group: NetworkGroup;
  readonly parameters: number;
  readonly reports: string;
}

const approximators: NetworkGroup = "function approximators";
const classifiers: NetworkGroup = "image classifiers";

/** The networks of the paper's Table 2 and of its appendix D. */
export const paperNetworks: readonly PaperNetwork[] = [
  {
    ...{ name: "fcnn2", title: "fully connected, 3 hidden layers", group: approximators },
    parameters: 20_501,
    reports: "minimum of the Hessian plane below the random plane's: train more than 9 %, test more than 1 %",
  },
  {
    ...{ name: "fcnn10", title: "fully connected, 11 hidden layers", group: approximators },
    parameters: 101_301,
    reports:
      "minimum of the Hessian plane below the random plane's: train more than 26 %, test more than 6 %",
  },
  {
    ...{ name: "resnet56", title: "ResNet-56", group: classifiers },
    parameters: 855_770,
    reports:
      "accuracy 100.00 % train, 93.66 % test; test loss 0.29; |λ₋| more than two orders of magnitude below λ₊",
  },
  {
    ...{ name: "resnet56-noskip", title: "ResNet-56 without skips", group: classifiers },
    parameters: 853_018,
    reports: "accuracy 95.55 % train, 86.69 % test",
  },
  {
    ...{ name: "densenet121", title: "DenseNet-121", group: classifiers },
    parameters: 6_956_298,
    reports:
      "accuracy 100.00 % train, 95.63 % test; λ₊ = 1937.5, λ₋ = −109.1; loss at the Hessian plane's minimum more than ten times lower",
  },
  {
    ...{ name: "mobilenetv2", title: "MobileNetV2", group: classifiers },
    parameters: 2_236_682,
    reports: "accuracy 99.52 % train, 93.91 % test",
  },
  {
    ...{ name: "googlenet", title: "GoogLeNet", group: classifiers },
    parameters: 5_490_986,
    reports: "accuracy 99.88 % train, 92.82 % test",
  },
];
