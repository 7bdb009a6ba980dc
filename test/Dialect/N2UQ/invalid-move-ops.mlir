// RUN: n2uq-opt %s --split-input-file --verify-diagnostics
//
// One block for each numbered constraint of the ops that move elements, named @<op>_c<number>.

func.func @gather_c1(%x: tensor<?x2x2x3xf32>) {
  // expected-error @+1 {{'n2uq.gather' op expects places for 3 rows, but got 2}}
  %0 = n2uq.gather %x rows = [0, 1] : tensor<?x2x2x3xf32> -> tensor<?x3x2x3xf32>
  return
}

// -----

func.func @gather_c1_outside(%x: tensor<?x2x2x3xf32>) {
  // expected-error @+1 {{'n2uq.gather' op expects places of columns between -1 and 1, but got 2}}
  %0 = n2uq.gather %x columns = [0, 2] : tensor<?x2x2x3xf32> -> tensor<?x2x2x3xf32>
  return
}

// -----

func.func @gather_c2(%x: tensor<?x2x2x3xf32>) {
  // expected-error @+1 {{'n2uq.gather' op expects a list of channels, for its result has 4 and its input 3}}
  %0 = n2uq.gather %x rows = [0, 1] : tensor<?x2x2x3xf32> -> tensor<?x2x2x4xf32>
  return
}

// -----

func.func @gather_c2_element_type(%x: tensor<?x2x2x3xui2>) {
  // expected-error @+1 {{'n2uq.gather' op expects a result of the batch and element type of its input}}
  %0 = n2uq.gather %x rows = [0, 1] : tensor<?x2x2x3xui2> -> tensor<?x2x2x3xui4>
  return
}

// -----

func.func @gather_c3(%x: tensor<?x2x2x3xui2>) {
  // expected-error @+1 {{'n2uq.gather' op expects a fill that is a code of 2 bits, but got 4.000000e+00}}
  %0 = n2uq.gather %x rows = [0, -1] fill = 4.0 : tensor<?x2x2x3xui2> -> tensor<?x2x2x3xui2>
  return
}

// -----

func.func @concat_c1() {
  // expected-error @+1 {{'n2uq.concat' op expects at least one input}}
  %0 = "n2uq.concat"() : () -> tensor<?x2x2x3xf32>
  return
}

// -----

func.func @concat_c2(%x: tensor<?x2x2x3xf32>, %y: tensor<?x2x3x3xf32>) {
  // expected-error @+1 {{'n2uq.concat' op expects inputs that differ from its result in their channels only, but got 'tensor<?x2x3x3xf32>' beside 'tensor<?x2x2x6xf32>'}}
  %0 = n2uq.concat %x, %y : tensor<?x2x2x3xf32>, tensor<?x2x3x3xf32> -> tensor<?x2x2x6xf32>
  return
}

// -----

func.func @concat_c2_channels(%x: tensor<?x2x2x3xf32>) {
  // expected-error @+1 {{'n2uq.concat' op expects a result of the 6 channels of its inputs, but got 5}}
  %0 = n2uq.concat %x, %x : tensor<?x2x2x3xf32>, tensor<?x2x2x3xf32> -> tensor<?x2x2x5xf32>
  return
}

// -----

func.func @unflatten_c1(%x: tensor<?x12xf32>) {
  // expected-error @+1 {{'n2uq.unflatten' op expects a result of 12 elements an image, and of the batch and element type of its input}}
  %0 = n2uq.unflatten %x : tensor<?x12xf32> -> tensor<?x2x2x2xf32>
  return
}
