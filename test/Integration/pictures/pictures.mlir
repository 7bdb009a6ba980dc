// Pictures in, classes out. The network says how red, green, blue and dark the middle of a picture is.
DEFINE: %{run} = n2uq-run %t/m.so --threads=1
DEFINE: %{says} = 2>&1 | FileCheck %s --implicit-check-not={{.}} --check-prefix
RUN: rm -rf %t && split-file %s %t && %python %t/pictures.py %t
RUN: n2uq-compile %t/m.mlir -o %t/m.so && n2uq-compile %t/one.mlir -o %t/one.so

RUN: %{run} --image=%t/red.jpg --image=%t/folder --top=2 --labels=%t/labels.txt | FileCheck %s --check-prefix=LINES --match-full-lines
LINES: {{.*}}/red.jpg
LINES-NEXT: {{ +8[0-9]\.[0-9][0-9]}} %  0 red, or nearly
LINES-NEXT: {{ +8\.[0-9][0-9]}} %  3 dark
LINES-NEXT: {{.*}}/folder/blue.PNG
LINES-NEXT: {{ +8[0-9]\.[0-9][0-9]}} %  2 "blue"
LINES-NEXT: {{ +[0-9]\.[0-9][0-9]}} %  3 dark
LINES-NEXT: {{.*}}/folder/green.ppm
LINES-NEXT: {{ +8[0-9]\.[0-9][0-9]}} %  1 green
LINES-NEXT: {{ +[0-9]\.[0-9][0-9]}} %  3 dark
LINES-NOT: {{.}}
RUN: %{run} --image=%t/red.jpg --top=1 --csv --labels=%t/labels.txt | FileCheck %s --check-prefix=CSV --match-full-lines
CSV: image,rank,class,label,probability
CSV-NEXT: {{.*}}/red.jpg,1,0,"red, or nearly",0.8{{[0-9]+}}
RUN: %{run} --image=%t/folder --top=9 --json > %t/top.json
RUN: %python -c "import json; a, b = json.load(open('%t/top.json')); assert [x['class'] for x in a['top']][0] == 2 and len(b['top']) == 4 and abs(sum(x['probability'] for x in b['top']) - 1) < 1e-5"

// The bytes of a picture reach the network as Pillow and torchvision give them, and a batch of one is enough.
RUN: %python %t/expected.py %t && %{run} --image=%t/folder --batch=1 --output-dir=%t/pictures
RUN: %{run} --input=input=%t/expected.npy --output-dir=%t/arrays
RUN: cmp %t/pictures/output.npy %t/arrays/output.npy && cp -r %t/pictures %t/usual
RUN: %{run} --image=%t/folder --resize=20 --filter=bicubic --mean=0,0,0 --std=1,1,1 --output-dir=%t/pictures
RUN: %{run} --input=input=%t/plain.npy --output-dir=%t/arrays
RUN: cmp %t/pictures/output.npy %t/arrays/output.npy

// What a model stores needs no option, is shown, and gives way to options.
RUN: n2uq-compile %t/m.mlir -o %t/stored.so --labels=%t/labels.txt --preprocess=resize=20,filter=bicubic,mean=0/0/0,std=1/1/1
RUN: n2uq-run %t/stored.so --image=%t/red.jpg --top=1 | FileCheck %s --check-prefix=STORED
STORED: {{.*}} %  0 red, or nearly
RUN: n2uq-run %t/stored.so --image=%t/folder --output-dir=%t/stored
RUN: cmp %t/stored/output.npy %t/arrays/output.npy
RUN: n2uq-run %t/stored.so --image=%t/folder --resize=18 --filter=bilinear --mean=0.485,0.456,0.406 --std=0.229,0.224,0.225 --output-dir=%t/stored
RUN: cmp %t/stored/output.npy %t/usual/output.npy
RUN: n2uq-run %t/stored.so --image=%t/red.jpg --top=1 --labels=%t/others.txt | FileCheck %s --check-prefix=OTHERS
OTHERS: {{.*}} %  0 rouge
RUN: n2uq-run %t/stored.so --info | FileCheck %s --check-prefix=INFO
INFO: labels        4: red, or nearly, …
INFO: pictures      shorter side 20 pixels, bicubic, mean 0, 0, 0, deviation 1, 1, 1
RUN: n2uq-run %t/stored.so --info --json | %python -c "import json, sys; i = json.load(sys.stdin); print(i['labels'][2], i['pictures'])" | FileCheck %s --check-prefix=INFO-JSON
INFO-JSON: "blue" {'resize': 20, 'filter': 'bicubic', 'mean': [0, 0, 0], 'std': [1, 1, 1]}
RUN: %python -c "import n2uq; m = n2uq.Model('%t/stored.so'); print(m.labels[1], m.preprocessing)" | FileCheck %s --check-prefix=PYTHON
PYTHON: green {'resize': 20, 'crop': (16, 16), 'filter': 'bicubic', 'mean': [0.0, 0.0, 0.0], 'std': [1.0, 1.0, 1.0]}
// Defaults are those of n2uq-run; a network of pixels normalises them itself; an object stores the same.
RUN: n2uq-compile %t/m.mlir -o %t/half.so --preprocess=filter=bilinear && n2uq-run %t/half.so --info | FileCheck %s --check-prefix=HALF
HALF: pictures      shorter side 18 pixels, bilinear, mean 0.485
RUN: n2uq-compile %t/m.mlir -o - --emit=llvm --labels=%t/labels.txt | FileCheck %s --check-prefix=LLVM
LLVM: red, or nearly

DEFINE: %{compile} = not n2uq-compile %t/m.mlir -o %t/none.so
RUN: %{compile} --labels=%t/three.txt %{says}=THREE
THREE: n2uq-compile: there are 3 labels, but the network has 4 classes
RUN: %{compile} --labels=%t/none.txt %{says}=NOLABELS
NOLABELS: n2uq-compile: cannot open '{{.*}}none.txt': No such file or directory
RUN: %{compile} --preprocess=resize=12 %{says}=RESIZE
RESIZE: n2uq-compile: pictures that are resized to 12 pixels are smaller than the network's input of 16 x 16
RUN: %{compile} --preprocess=resize=many %{says}=NUMBER
NUMBER: n2uq-compile: option '--preprocess=resize' needs a number between 1 and 1048576, not 'many'
RUN: %{compile} --preprocess=256 %{says}=FORM
FORM: n2uq-compile: option '--preprocess' takes resize=N,filter=NAME,mean=R/G/B,std=R/G/B, not '256'
RUN: %{compile} --preprocess=crop=3 %{says}=KEY
KEY: n2uq-compile: option '--preprocess' knows resize, filter, mean and std, not 'crop'
RUN: %{compile} --preprocess=std=1/0/1 %{says}=ZERO
ZERO: n2uq-compile: option '--preprocess' needs means and deviations that are finite, and no deviation that is 0
RUN: %{compile} --preprocess=mean=1/2 %{says}=COUNT
COUNT: n2uq-compile: option '--preprocess=mean' takes three numbers, R/G/B, not '1/2'
RUN: %{compile} --labels=%t/labels.txt --until=simplify %{says}=UNTIL
UNTIL: n2uq-compile: labels and rules for pictures are stored in a library or an object, and this is neither
RUN: not n2uq-compile %t/one.mlir -o %t/none.so --preprocess=resize=20 %{says}=NOPICTURES
NOPICTURES: n2uq-compile: the network takes no pictures of three channels, so there are no rules for pictures to store
RUN: not ls %t/none.so

// Wrong words and wrong files end in one sentence.
RUN: not %{run} --image=%t/red.jpg --input=input=%t/plain.npy --top=1 %{says}=BOTH
BOTH: n2uq-run: options '--input' and '--image' exclude each other
RUN: not %{run} --image=%t/none.jpg --top=1 %{says}=NONE
NONE: n2uq-run: cannot open '{{.*}}none.jpg': No such file or directory
RUN: not %{run} --image=%t --top=1 %{says}=TEXT
TEXT: n2uq-run: '{{.*}}cut.png' is damaged: it is cut off
RUN: mkdir %t/empty && not %{run} --image=%t/empty --top=1 %{says}=EMPTY
EMPTY: n2uq-run: the folder '{{.*}}empty' holds no file whose name ends in .jpg, .jpeg, .png, .ppm or .pgm
RUN: not %{run} --image=%t/red.jpg --resize=8 --top=1 %{says}=SMALL
SMALL: n2uq-run: '{{.*}}red.jpg': 16 x 16 pixels cannot be cut out of an image that was resized to 9 x 8; resize to more
RUN: not %{run} --image=%t/red.jpg --mean=1,2 --top=1 %{says}=MEAN
MEAN: n2uq-run: option '--mean' takes three numbers, R,G,B, not '1,2'
RUN: not %{run} --image=%t/red.jpg --std=0,1,1 --top=1 %{says}=STD
STD: n2uq-run: '{{.*}}red.jpg': mean and deviation of channel 0 must be finite, and the deviation not 0
RUN: not %{run} --image=%t/red.jpg --filter=box --top=1 %{says}=FILTER
FILTER: n2uq-run: option '--filter' is bilinear or bicubic, not 'box'
RUN: not %{run} --image=%t/red.jpg --top=1 --labels=%t/m.mlir %{says}=LABELS
LABELS: n2uq-run: '{{.*}}m.mlir' does not hold one label a line for each of the model's 4 classes
RUN: not %{run} --image=%t/red.jpg --classes --labels=%t/labels.txt %{says}=TOP
TOP: n2uq-run: option '--labels' needs --top=K
RUN: not %{run} --image=%t/red.jpg --classes --csv %{says}=TABLE
TABLE: n2uq-run: option '--csv' needs --top=K, and not --json
RUN: not n2uq-run %t/one.so --image=%t/red.jpg --top=1 %{says}=ONE
ONE: n2uq-run: the model takes float32 [N, 1, 16, 16], not pictures of three channels; give --input

//--- m.mlir
func.func @main(%x: tensor<?x3x16x16xf32> {n2uq.name = "input"}) -> (tensor<?x4xf32> {n2uq.name = "output"}) {
  %w = arith.constant dense<[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [-0.1, -0.1, -0.1]]> : tensor<4x3xf32>
  %0 = n2uq.to_nhwc %x : tensor<?x3x16x16xf32> -> tensor<?x16x16x3xf32>
  %1 = n2uq.avg_pool %0 kernel = [16, 16] strides = [16, 16] : tensor<?x16x16x3xf32> -> tensor<?x1x1x3xf32>
  %2 = n2uq.flatten %1 : tensor<?x1x1x3xf32> -> tensor<?x3xf32>
  %3 = n2uq.fully_connected %2, %w : tensor<?x3xf32>, tensor<4x3xf32> -> tensor<?x4xf32>
  return %3 : tensor<?x4xf32>
}
//--- one.mlir
func.func @main(%x: tensor<?x1x16x16xf32> {n2uq.name = "input"}) -> (tensor<?x1xf32> {n2uq.name = "output"}) {
  %0 = n2uq.to_nhwc %x : tensor<?x1x16x16xf32> -> tensor<?x16x16x1xf32>
  %1 = n2uq.avg_pool %0 kernel = [16, 16] strides = [16, 16] : tensor<?x16x16x1xf32> -> tensor<?x1x1x1xf32>
  %2 = n2uq.flatten %1 : tensor<?x1x1x1xf32> -> tensor<?x1xf32>
  return %2 : tensor<?x1xf32>
}
//--- labels.txt
red, or nearly
green
"blue"
dark
//--- others.txt
rouge
vert
bleu
noir
//--- three.txt
a
b
c
//--- pictures.py
import pathlib, sys
from PIL import Image
folder = pathlib.Path(sys.argv[1])
(folder / "folder").mkdir()
for name, color in (("red.jpg", (255, 40, 40)), ("folder/green.ppm", (40, 255, 40)), ("folder/blue.PNG", (40, 40, 255))):
    image = Image.new("RGB", (50, 44), color)
    image.paste((250, 250, 250), (20, 10, 30, 25))
    image.save(folder / name)
(folder / "folder/notes.txt").write_text("no picture")
(folder / "cut.png").write_bytes((folder / "folder/blue.PNG").read_bytes()[:60])
//--- expected.py
import pathlib, sys
import numpy as np
from PIL import Image
folder = pathlib.Path(sys.argv[1])

def image(name, size, filter, mean, std):
    picture = Image.open(folder / "folder" / name).convert("RGB")
    wide = int(size * picture.width / picture.height)
    picture = picture.resize((wide, size), filter)
    left, top = round((wide - 16) / 2), round((size - 16) / 2)
    pixels = np.asarray(picture.crop((left, top, left + 16, top + 16))).astype(np.float32)
    return ((pixels / np.float32(255) - np.float32(mean)) / np.float32(std)).transpose(2, 0, 1)

names = ("blue.PNG", "green.ppm")
np.save(folder / "expected.npy", np.stack([image(name, 18, Image.Resampling.BILINEAR, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
                                           for name in names]))
np.save(folder / "plain.npy", np.stack([image(name, 20, Image.Resampling.BICUBIC, (0, 0, 0), (1, 1, 1)) for name in names]))
