// Runs a gradient graph that "onnx-landscape gradient models/fcnn2.onnx … --emit FILE" wrote.
//   g++ -std=c++17 run.cpp -I ORT/include -L ORT/lib -lonnxruntime -o run
#include <onnxruntime_cxx_api.h>

#include <cmath>
#include <iostream>
#include <string>
#include <vector>

int main(int, char** argv) {
  // Parameters are inputs with defaults; of each onnxruntime warns that it cannot treat it as a constant.
  Ort::Env env(ORT_LOGGING_LEVEL_ERROR);
  Ort::Session session(env, argv[1], Ort::SessionOptions());
  Ort::AllocatorWithDefaultOptions allocator;
  auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);

  std::vector<float> x(50), bias{3};
  for (int i = 0; i < 50; i++) x[i] = i / 32.0f - 0.75f;
  const int64_t samples[] = {50, 1}, one[] = {1};
  auto tensor = [&](std::vector<float>& data, const int64_t* dims, size_t rank) {
    return Ort::Value::CreateTensor<float>(memory, data.data(), data.size(), dims, rank);
  };
  std::vector<Ort::Value> feeds;
  feeds.push_back(tensor(x, samples, 2));
  feeds.push_back(tensor(x, samples, 2));
  feeds.push_back(tensor(bias, one, 1));
  const char* inputs[] = {"input", "y", "6.bias"};

  std::vector<std::string> names;
  for (size_t k = 0; k < session.GetOutputCount(); k++) names.push_back(session.GetOutputNameAllocated(k, allocator).get());
  std::vector<const char*> outputs;
  for (auto& name : names) outputs.push_back(name.c_str());

  auto results = session.Run({}, inputs, feeds.data(), 2, outputs.data(), outputs.size());
  double sum = 0;
  for (size_t k = 1; k < results.size(); k++) {
    const float* g = results[k].GetTensorData<float>();
    const size_t n = results[k].GetTensorTypeAndShapeInfo().GetElementCount();
    for (size_t i = 0; i < n; i++) sum += double(g[i]) * g[i];
  }
  std::cout << *results[0].GetTensorData<float>() << " " << std::sqrt(sum) << "\n";

  // The loss at another point: any parameter can be fed.
  auto moved = session.Run({}, inputs, feeds.data(), 3, outputs.data(), 1);
  std::cout << *moved[0].GetTensorData<float>() << "\n";
}
